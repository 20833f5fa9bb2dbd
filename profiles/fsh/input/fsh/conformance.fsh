Instance: handoff
InstanceOf: Basic
Usage: #definition
Title: "Topic: a handoff moves"
Description: "The SubscriptionTopic of the adapter in the form that R4 has for it (https://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-topics-in-r4)."
* code = http://hl7.org/fhir/fhir-types#SubscriptionTopic
* modifierExtension.url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.status"
* modifierExtension.valueCode = #active
* extension[0].url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.url"
* extension[=].valueUri = "https://handoff.example/fhir/SubscriptionTopic/handoff"
* extension[+].url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.title"
* extension[=].valueString = "A handoff moves"
* extension[+].url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.description"
* extension[=].valueMarkdown = "Whatever happens to a handoff that the subscriber may read: its status, a contact, a clock, a rung of the ladder."
* extension[+].url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.resourceTrigger"
* extension[=].extension[0].url = "description"
* extension[=].extension[=].valueMarkdown = "A Task of a handoff was created or changed, by either side or by a clock."
* extension[=].extension[+].url = "resource"
* extension[=].extension[=].valueUri = "http://hl7.org/fhir/StructureDefinition/Task"
* extension[=].extension[+].url = "supportedInteraction"
* extension[=].extension[=].valueCode = #create
* extension[=].extension[+].url = "supportedInteraction"
* extension[=].extension[=].valueCode = #update
* insert CanFilterBy(owner, [[The recipient: Task.owner, or the organisation that it belongs to.]])
* insert CanFilterBy(requester, [[The initiator: Task.requester, or the organisation that it belongs to.]])
* insert CanFilterBy(patient, [[The person: Task.for.]])
* insert CanFilterBy(status, [[Task.status as the event left it.]])
* insert CanFilterBy(business-status, [[Task.businessStatus as the event left it.]])
* insert CanFilterBy(code, [[Task.code: fulfill for a handoff, escalate for an escalation.]])
* insert CanFilterBy(pathway, [[The pathway, by its name or canonical address.]])
* insert CanFilterBy(event, [[What happened, as a code of the handoff-event code system.]])

RuleSet: CanFilterBy(parameter, description)
* extension[+].url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic.canFilterBy"
* extension[=].extension[0].url = "description"
* extension[=].extension[=].valueMarkdown = "{description}"
* extension[=].extension[+].url = "resource"
* extension[=].extension[=].valueUri = "Task"
* extension[=].extension[+].url = "filterParameter"
* extension[=].extension[=].valueString = "{parameter}"

RuleSet: SearchParameter(code, id, name, type, expression)
* url = "https://handoff.example/fhir/SearchParameter/{id}"
* name = "{name}"
* status = #draft
* code = #{code}
* base = #Task
* type = #{type}
* expression = "{expression}"

Instance: Task-responsible
InstanceOf: SearchParameter
Usage: #definition
Title: "Task by the responsible organisation"
* insert SearchParameter(responsible, Task-responsible, TaskResponsible, reference, [[Task.extension.where(url='https://handoff.example/fhir/StructureDefinition/responsible').value]])
* description = "Handoffs by the organisation that holds the person now. For servers that keep a copy; the adapter itself tells it at GET /handoffs/{id}."
* target = #Organization

Instance: Task-acceptance-deadline
InstanceOf: SearchParameter
Usage: #definition
Title: "Task by its acceptance deadline"
* insert SearchParameter(acceptance-deadline, Task-acceptance-deadline, TaskAcceptanceDeadline, date, [[Task.extension.where(url='https://handoff.example/fhir/StructureDefinition/acceptance-deadline').value]])
* description = "Handoffs by the time until which the recipient must have accepted. For servers that keep a copy."

RuleSet: Writes(type, profile)
* rest.resource[+].type = #{type}
* rest.resource[=].supportedProfile = "https://handoff.example/fhir/StructureDefinition/{profile}"
* rest.resource[=].interaction[0].code = #create
* rest.resource[=].interaction[+].code = #read
* rest.resource[=].interaction[+].code = #update
* rest.resource[=].interaction[+].code = #search-type

Instance: handoff-partner
InstanceOf: CapabilityStatement
Usage: #definition
Title: "What a partner does"
Description: "What a system must be able to do to hand people over through the adapter, and to take them over."
* url = "https://handoff.example/fhir/CapabilityStatement/handoff-partner"
* name = "HandoffPartner"
* title = "What a partner does"
* status = #draft
* date = "2026-11-21"
* description = "A partner sends a handoff as one transaction, reads what it is told about, and answers by updating the Task with If-Match. Whatever else it does is its own."
* kind = #requirements
* fhirVersion = #4.0.1
* format = #application/fhir+json
* rest.mode = #client
* rest.security.description = "SMART Backend Services: a signed client assertion for an access token."
* rest.interaction.code = #transaction
* insert Writes(Task, handoff-task)
* rest.resource[=].interaction[+].code = #patch
* insert Writes(ServiceRequest, handoff-service-request)
* insert Writes(CarePlan, safety-plan)
* insert Writes(RiskAssessment, handoff-risk-assessment)
* insert Writes(Communication, handoff-communication)
* insert Writes(Appointment, handoff-appointment)

RuleSet: AskedFor(name, min, type, documentation)
* parameter[+].name = #{name}
* parameter[=].use = #in
* parameter[=].min = {min}
* parameter[=].max = "1"
* parameter[=].documentation = "{documentation}"
* parameter[=].type = #{type}

Instance: find-destination
InstanceOf: OperationDefinition
Usage: #definition
Title: "Who can take this person"
Description: "The services of other partners that accept a coverage, take new people and are open in time, the soonest first."
* url = "https://handoff.example/fhir/OperationDefinition/find-destination"
* name = "FindDestination"
* title = "Who can take this person"
* status = #draft
* kind = #operation
* affectsState = false
* code = #find-destination
* comment = "When nobody can, the one entry is an OperationOutcome that says which immediate resource to give the person. Coverage routes a handoff and never blocks one."
* resource = #HealthcareService
* system = false
* type = true
* instance = false
* insert AskedFor(coverage, 0, code, [[insured, medicaid, uninsured, sliding-scale or unknown; any unless given.]])
* insert AskedFor(type, 0, string, [[A part of the name or type of the service.]])
* insert AskedFor(within, 0, string, [[An ISO 8601 duration of days, hours and minutes from now, at most P92D; P14D unless given.]])
* parameter[+].name = #return
* parameter[=].use = #out
* parameter[=].min = 1
* parameter[=].max = "1"
* parameter[=].documentation = "A searchset of HealthcareServices, with their Organizations included."
* parameter[=].type = #Bundle

Instance: evidence
InstanceOf: OperationDefinition
Usage: #definition
Title: "What proves this handoff"
Description: "Everything that proves, or fails to prove, a handoff, with a verdict on each gate and evidence rule."
* url = "https://handoff.example/fhir/OperationDefinition/evidence"
* name = "Evidence"
* title = "What proves this handoff"
* status = #draft
* kind = #operation
* affectsState = false
* code = #evidence
* resource = #Task
* system = false
* type = false
* instance = true
* parameter.name = #return
* parameter.use = #out
* parameter.min = 1
* parameter.max = "1"
* parameter.documentation = "A document Bundle: a Composition first, then the resources that it rests on."
* parameter.type = #Bundle

Instance: evaluate-measure
InstanceOf: OperationDefinition
Usage: #definition
Title: "Evaluate a measure"
Description: "What a Measure counts among the handoffs of the asking organisation that were requested in a period."
* url = "https://handoff.example/fhir/OperationDefinition/evaluate-measure"
* name = "EvaluateMeasure"
* title = "Evaluate a measure"
* status = #draft
* kind = #operation
* affectsState = false
* code = #evaluate-measure
* comment = "As R4's operation of the same code, for populations; stratifier is ours. Numbers below 5 are withheld."
* base = "http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure"
* resource = #Measure
* system = false
* type = false
* instance = true
* insert AskedFor(periodStart, 1, date, [[The first day of the period, in UTC.]])
* insert AskedFor(periodEnd, 1, date, [[The last day of the period, in UTC.]])
* insert AskedFor(reportType, 0, code, [[population, which is also what is done without it.]])
* parameter[+].name = #stratifier
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "*"
* parameter[=].documentation = "A code of the CodeSystem measure-stratifier; all of them unless given."
* parameter[=].type = #code
* parameter[+].name = #return
* parameter[=].use = #out
* parameter[=].min = 1
* parameter[=].max = "1"
* parameter[=].documentation = "A MeasureReport of type summary."
* parameter[=].type = #MeasureReport
