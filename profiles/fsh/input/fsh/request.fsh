// What travels with a handoff. Must-support is that of the US Core profiles of the same resource, and nothing here
// forbids what US Core demands; neither depends on the other.

Profile: HandoffServiceRequest
Parent: ServiceRequest
Id: handoff-service-request
Title: "Handoff ServiceRequest"
Description: "What is asked for the person: the focus of the handoff's Task."
* identifier MS
* instantiatesCanonical MS
* status MS
* intent MS
* category MS
* priority MS
* code 1..1 MS
* subject MS
* subject only Reference(Patient)
* encounter MS
* encounter ^short = "The visit in which the handoff is made"
* occurrence[x] MS
* authoredOn MS
* requester 1..1 MS
* performer MS
* reasonCode MS
* reasonCode ^short = "crisis-trigger, brief-summary"
* reasonReference MS
* supportingInfo MS
* supportingInfo ^short = "The RiskAssessment and the safety plan"

Profile: SafetyPlan
Parent: CarePlan
Id: safety-plan
Title: "Safety plan"
Description: "The plan that was agreed with the person for when things get worse: warning signs, what helps, whom to call."
* text MS
* status MS
* intent MS
* category 1..* MS
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains safetyPlan 1..1 MS
* category[safetyPlan] = CarePlanCategory#safety-plan
* description 1..1 MS
* description ^short = "safety-plan-summary"
* subject MS
* subject only Reference(Patient)
* encounter MS
* author MS
* activity MS
* activity ^short = "agreed-next-steps"

Profile: HandoffRiskAssessment
Parent: RiskAssessment
Id: handoff-risk-assessment
Title: "Handoff RiskAssessment"
Description: "How dangerous the situation still is. The highest risk that is stated is the risk tier of the handoff."
* status MS
* subject MS
* subject only Reference(Patient)
* encounter MS
* occurrence[x] MS
* performer MS
* prediction 1..* MS
* prediction.qualitativeRisk MS
* prediction.qualitativeRisk from RiskLevels (required)
* note MS
* obeys handoff-risk

Invariant: handoff-risk
Description: "At least one prediction says how high the risk is"
Severity: #error
Expression: "prediction.qualitativeRisk.exists()"

Profile: HandoffCommunication
Parent: Communication
Id: handoff-communication
Title: "Contact attempt"
Description: "A contact between the two sides, or of either with the person: made live, only sent, or failed (not-done)."
* basedOn MS
* about MS
* status MS
* statusReason MS
* statusReason from HandoffReasons (preferred)
* medium 1..* MS
* medium from ContactMedia (extensible)
* subject MS
* subject only Reference(Patient)
* sent MS
* received MS
* recipient 1..* MS
* sender 1..1 MS
* payload MS
* obeys handoff-contact-of and handoff-contact-failed and handoff-contact-sent

Invariant: handoff-contact-of
Description: "A contact says to which handoff it belongs"
Severity: #error
Expression: "basedOn.exists() or about.exists() or partOf.exists()"

Invariant: handoff-contact-failed
Description: "A contact that failed says why"
Severity: #error
Expression: "status = 'not-done' implies statusReason.exists()"

Invariant: handoff-contact-sent
Description: "A contact that was made says when"
Severity: #error
Expression: "status = 'completed' implies sent.exists()"

Profile: HandoffAppointment
Parent: Appointment
Id: handoff-appointment
Title: "Handoff Appointment"
Description: "The first appointment with the recipient."
* status MS
* start 1..1 MS
* basedOn 1..* MS
* basedOn only Reference(ServiceRequest)
* participant MS
* participant.actor 1..1 MS
* participant.status MS

Profile: HandoffBundle
Parent: Bundle
Id: handoff-bundle
Title: "Handoff Bundle"
Description: "A new handoff as it is sent: a transaction, or a message, that carries the Task and the request that it is about."
* type from HandoffBundleTypes (required)
* type MS
* entry 1..* MS
* entry ^slicing.discriminator.type = #type
* entry ^slicing.discriminator.path = "resource"
* entry ^slicing.rules = #open
* entry ^slicing.description = "By the type of resource"
* entry contains
    task 1..* MS and
    request 1..* MS
* entry[task].resource 1..1
* entry[task].resource only HandoffTask
* entry[request].resource 1..1
* entry[request].resource only HandoffServiceRequest
