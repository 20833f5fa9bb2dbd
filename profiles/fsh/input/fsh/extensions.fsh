// Extensions of the Task that coordinates a handoff. The adapter writes `responsible` and `next-action`, and
// `acceptance-deadline` where the sender gave none (mappings/task.py).

Extension: AcceptanceDeadline
Id: acceptance-deadline
Title: "Acceptance deadline"
Description: "By when the recipient must have accepted the handoff. When it passes, the ladder starts; the status stays."
* ^context.type = #element
* ^context.expression = "Task"
* . 0..1
* value[x] 1..1
* value[x] only dateTime

Extension: Responsible
Id: responsible
Title: "Responsible organisation"
Description: "The organisation that holds the person now: the initiator until acceptance, then the recipient, and the initiator again after a refusal, failure or cancellation."
* ^context.type = #element
* ^context.expression = "Task"
* . 0..1
* value[x] 1..1
* value[x] only Reference(Organization)

Extension: NextAction
Id: next-action
Title: "Next action"
Description: "What is awaited next, from whom, and by when. Every status of a handoff has one, so that nobody falls between two organisations."
* ^context.type = #element
* ^context.expression = "Task"
* . 0..1
* extension contains
    code 1..1 and
    who 1..1 and
    by 0..1
* extension[code] ^short = "What is to be done"
* extension[code].value[x] 1..1
* extension[code].value[x] only CodeableConcept
* extension[code].valueCodeableConcept from HandoffActions (required)
* extension[who] ^short = "The organisation that has to do it"
* extension[who].value[x] 1..1
* extension[who].value[x] only Reference(Organization)
* extension[by] ^short = "By when"
* extension[by].value[x] 1..1
* extension[by].value[x] only dateTime

Extension: Opens
Id: opens
Title: "Opens"
Description: "When a service that was found is open next, in the answer of the operation find-destination."
* ^context.type = #element
* ^context.expression = "Bundle.entry.search"
* . 0..1
* value[x] 1..1
* value[x] only instant

Extension: Lacking
Id: lacking
Title: "What is lacking"
Description: "What is missing for a gate or an evidence rule to be met, in the VerificationResult of an evidence document."
* ^context.type = #element
* ^context.expression = "VerificationResult"
* value[x] 1..1
* value[x] only string
