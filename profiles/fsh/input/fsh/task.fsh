// The coordination Task of a handoff and its two kinds of child Task. The lifecycle is not a profile's to say: see
// docs/lifecycle.md and adapter/domain/task_status.py.

RuleSet: HandoffExtensions
* extension contains
    AcceptanceDeadline named acceptanceDeadline 0..1 MS and
    Responsible named responsible 0..1 MS and
    NextAction named nextAction 0..1 MS

RuleSet: Fact(list, slice, code)
* {list}[{slice}].type = HandoffFact#{code}
* {list}[{slice}] ^short = "{code}"

Profile: HandoffTask
Parent: Task
Id: handoff-task
Title: "Handoff Task"
Description: "The Task by which one organisation hands a person over to another. Responsibility moves when the owner accepts, not before."
* insert HandoffExtensions
* instantiatesCanonical MS
* instantiatesCanonical ^short = "The pathway; none = referral"
* status MS
* statusReason MS
* statusReason from HandoffReasons (preferred)
* businessStatus MS
* businessStatus from HandoffStatuses (preferred)
* code 1..1 MS
* code = $task-code#fulfill
* focus 1..1 MS
* focus ^short = "The ServiceRequest that is asked for"
* for 1..1 MS
* for only Reference(Patient)
* encounter MS
* authoredOn 1..1 MS
* requester 1..1 MS
* requester only Reference(Organization or PractitionerRole or Practitioner)
* requester ^short = "The initiator, which holds the person until acceptance"
* owner MS
* owner only Reference(Organization or PractitionerRole or Practitioner or CareTeam or HealthcareService)
* owner ^short = "The recipient: a named organisation or somebody who belongs to it"
* input MS
* input ^slicing.discriminator.type = #pattern
* input ^slicing.discriminator.path = "type"
* input ^slicing.rules = #open
* input ^slicing.description = "A fact of the handoff, by its code"
* input contains
    handoffMethod 0..* MS and
    coverage 0..* MS and
    accessNeeds 0..* MS and
    submittedInPresence 0..1 MS and
    alternateContact 0..* MS and
    escalationOwner 0..* MS
* insert Fact(input, handoffMethod, handoff-method)
* input[handoffMethod].value[x] only code or Coding or CodeableConcept
* input[handoffMethod].value[x] from HandoffMethods (required)
* insert Fact(input, coverage, coverage)
* input[coverage].value[x] only code or Coding or CodeableConcept
* input[coverage].value[x] from Coverages (required)
* insert Fact(input, accessNeeds, access-needs)
* input[accessNeeds].value[x] only code or Coding or CodeableConcept
* input[accessNeeds].value[x] from AccessNeeds (required)
* insert Fact(input, submittedInPresence, submitted-in-presence)
* input[submittedInPresence].value[x] only boolean
* insert Fact(input, alternateContact, alternate-contact)
* input[alternateContact].value[x] only Reference
* insert Fact(input, escalationOwner, escalation-owner)
* input[escalationOwner].value[x] only Reference(Practitioner or PractitionerRole or Organization)
* output MS
* output ^slicing.discriminator.type = #pattern
* output ^slicing.discriminator.path = "type"
* output ^slicing.rules = #open
* output ^slicing.description = "A fact that the recipient supplies, by its code"
* output contains
    recipientClinician 0..* MS and
    followUpOwner 0..* MS
* insert Fact(output, recipientClinician, recipient-clinician)
* output[recipientClinician].value[x] only Reference(Practitioner or PractitionerRole)
* insert Fact(output, followUpOwner, follow-up-owner)
* output[followUpOwner].value[x] only Reference(Practitioner or PractitionerRole)
* obeys handoff-owner and handoff-reason

Invariant: handoff-owner
Description: "A handoff that is sent names who shall take the person over"
Severity: #error
Expression: "status = 'draft' or status = 'entered-in-error' or owner.exists()"

Invariant: handoff-reason
Description: "Who rejects, pauses, gives back or takes back a handoff says why"
Severity: #error
Expression: "(status = 'rejected' or status = 'on-hold' or status = 'failed' or status = 'cancelled') implies statusReason.exists()"

Profile: EscalationTask
Parent: Task
Id: escalation-task
Title: "Escalation Task"
Description: "The child Task by which somebody is asked to step in for a handoff that nobody answers. Written by the adapter."
* insert HandoffExtensions
* partOf 1..1 MS
* partOf only Reference(Task)
* partOf ^short = "The handoff that is not answered"
* status MS
* statusReason from HandoffReasons (preferred)
* businessStatus from HandoffStatuses (preferred)
* code 1..1 MS
* code = HandoffTaskCode#escalate
* focus 1..1 MS
* focus only Reference(Task)
* for MS
* authoredOn 1..1
* requester 1..1 MS
* owner 1..1 MS
* reasonCode 1..1 MS
* reasonCode from HandoffReasons (preferred)

Profile: FollowUpTask
Parent: Task
Id: follow-up-task
Title: "Follow-up Task"
Description: "The child Task that a clock of the pathway opens: somebody has to look what became of a handoff. Written by the adapter."
* partOf 1..1 MS
* partOf only Reference(Task)
* status MS
* code 1..1 MS
* code from HandoffTaskCodes (required)
* description 1..1
* focus 1..1 MS
* focus only Reference(Task)
* for MS
* authoredOn 1..1
* requester 1..1
* owner 1..1 MS
* restriction 1..1 MS
* restriction.period 1..1 MS
* restriction.period.end 1..1 MS
