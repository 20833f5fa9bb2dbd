// Written by profiles/build_vocabulary.py; edit the tables that it reads.

CodeSystem: HandoffFact
Id: handoff-fact
Title: "Handoff facts"
Description: "The fields that a pathway may demand of a handoff; Task.input.type and Task.output.type."
* ^caseSensitive = true
* ^experimental = false
* #current-risk-level "Current risk level" "The current risk level, in a RiskAssessment named by ServiceRequest.supportingInfo. Supplied by the initiator."
* #crisis-trigger "Crisis trigger" "What set off the crisis, as code or text. Supplied by the initiator."
* #brief-summary "Brief summary" "A brief summary of why the person is handed over. Supplied by the initiator."
* #safety-plan-summary "Safety plan summary" "The safety plan: a CarePlan of category safety-plan with description, named by ServiceRequest.supportingInfo. Supplied by the initiator."
* #agreed-next-steps "Agreed next steps" "The steps that were agreed with the person. Supplied by the initiator."
* #risk-concerns-transferred "Risk concerns transferred" "The risk concerns that remain, as text or reference to a RiskAssessment. Supplied by the initiator."
* #housing-risk-summary "Housing risk summary" "What threatens the person's housing, as text. Supplied by the initiator."
* #medication-access "Medication access" "Whether the person can get the medication, as a coded concept or its text. Supplied by the initiator."
* #transportation-plan "Transportation plan" "How the person gets to the appointment, as text. Supplied by the initiator."
* #missed-appointment-barrier "Missed appointment barrier" "What kept the person from earlier appointments, as text. Supplied by the initiator."
* #discharge-summary "Discharge summary" "The discharge summary that was sent: a DocumentReference with the time in its date. Supplied by the initiator."
* #named-recipient "Named recipient" "A named, registered practice as Task.owner, never a directory. Supplied by the initiator."
* #recipient-contact "Recipient contact" "How to reach the recipient: telecom of the Task.owner or of a contact that comes with the request. Supplied by the initiator."
* #preferred-contact "Preferred contact" "The way in which the person wants to be reached: Patient.telecom with rank or use, or an input. Supplied by the initiator."
* #follow-up-owner "Follow up owner" "The named person (Practitioner or PractitionerRole) who owns the follow-up. Supplied by either side."
* #recipient-clinician "Recipient clinician" "The named clinician of the recipient (Practitioner or PractitionerRole). Supplied by the recipient."
* #alternate-contact "Alternate contact" "The backup route when the recipient does not answer, as a reference. Supplied by the initiator."
* #escalation-owner "Escalation owner" "Who takes the escalation (Practitioner, PractitionerRole or Organization). Supplied by the initiator."
* #delegate "Delegate" "The person to whom sending was delegated, as a reference. Supplied by the initiator."
* #questions-contact "Questions contact" "Whom the person can ask until the first appointment, as a ContactPoint. Supplied by the initiator."
* #handoff-method "Handoff method" "How the handoff was made, as code. Supplied by the initiator."
* #submitted-in-presence "Submitted in presence" "`true` when the person saw it being sent. Supplied by the initiator."
* #person-informed "Person informed" "A completed Communication to the Patient: who will contact them, when, what to do if things change. Supplied by the initiator."
* #phone-confirmation "Phone confirmation" "A completed Communication from the initiator to the Patient's phone, with its time in sent. Supplied by the initiator."
* #coverage "Coverage" "The coverage of the person, as code. Supplied by the initiator."
* #immediate-resource "Immediate resource" "An immediate resource that the person was given (such as 988), as input or Communication. Supplied by the initiator."
* #access-needs "Access needs" "What makes the usual handoff unfit for the person, as code. Supplied by the initiator."
* #live-contact "Live contact" "A completed Communication by phone, video or in person, with sent, sender and recipient on both sides (and the Patient, when three-way). Supplied by either side."
* #failed-contact "Failed contact" "A Communication `not-done` with statusReason, recipient and time. Supplied by either side."
* #bridge-contact "Bridge contact" "The planned bridge contact: an input dateTime and who makes it, or an Appointment. Supplied by the initiator."
* #same-day-outreach "Same day outreach" "The recipient's outreach to the person: a dateTime when planned, a completed Communication when made. Supplied by the recipient."
* #risk-acknowledged "Risk acknowledged" "The time-sensitive risk, read back in the recipient's own words. Supplied by the recipient."
* #responsibilities-accepted "Responsibilities accepted" "Each follow-up duty that the recipient takes over. Supplied by the recipient."
* #appointment-time "Appointment time" "The time of the first appointment, on an Appointment basedOn the ServiceRequest. Supplied by the recipient."
* #appointment-confirmed "Appointment confirmed" "An Appointment `booked` whose participant of the recipient has `accepted`. Supplied by the recipient."
* #appointment-place "Appointment place" "A Location among Appointment.participant, or telehealth instructions as output. Supplied by the recipient."
* #person-has-appointment "Person has appointment" "The recipient's confirmation that the person has the appointment. Supplied by the recipient."
* #discharge-instructions "Discharge instructions" "Discharge instructions that carry the appointment (DocumentReference.context.related names it). Supplied by the initiator."
* #first-contact-attended "First contact attended" "The first visit took place: an Appointment `fulfilled` or a finished Encounter, from the recipient. Supplied by the recipient."
* #acceptance-deadline "Acceptance deadline" "By when the recipient must have accepted, as extension acceptance-deadline of the Task. Supplied by the initiator."
* #discharge-time "Discharge time" "When the person is discharged, planned or actual. Supplied by the initiator."
* #last-session-time "Last session time" "When the last session ends, planned or actual. Supplied by the initiator."
* #visit-end "Visit end" "When the visit of the handoff ends, planned or actual. Supplied by the initiator."
* #visit-context "Visit context" "The visit in which the handoff is made, as ServiceRequest.encounter. Supplied by the initiator."
* #telehealth-instructions "Telehealth instructions" "How the person joins an appointment that takes place by phone or video."

ValueSet: HandoffFacts
Id: handoff-fact
Title: "Handoff facts"
Description: "The fields that a pathway may demand of a handoff; Task.input.type and Task.output.type."
* ^experimental = false
* include codes from system HandoffFact

CodeSystem: HandoffStatus
Id: handoff-status
Title: "Handoff business statuses"
Description: "Task.businessStatus of a handoff."
* ^caseSensitive = true
* ^experimental = false
* #awaiting-acceptance "Awaiting acceptance" "The recipient was asked and has not answered; its deadline has not passed."
* #acceptance-overdue "Acceptance overdue" "The acceptance deadline passed without an answer; the ladder has started."
* #contact-failed "Contact failed" "An attempt to reach the other side failed; the ladder has started."
* #escalated "Escalated" "The escalation owner was asked to step in."
* #under-review "Under review" "The handoff was flagged for governance review."
* #appointment-booked "Appointment booked" "A first appointment is booked and confirmed."
* #first-contact-made "First contact made" "The recipient has been in contact with the person."
* #no-show "No show" "The person did not come to the first appointment."
* #re-engagement "Re engagement" "The recipient tries to reach a person who did not come."
* #arrange-care-overdue "Arrange care overdue" "This clock of the pathway ran out."
* #bridge-contact-overdue "Bridge contact overdue" "This clock of the pathway ran out."
* #first-contact-overdue "First contact overdue" "This clock of the pathway ran out."

ValueSet: HandoffStatuses
Id: handoff-status
Title: "Handoff business statuses"
Description: "Task.businessStatus of a handoff."
* ^experimental = false
* include codes from system HandoffStatus

CodeSystem: HandoffReason
Id: handoff-reason
Title: "Handoff reasons"
Description: "Why a handoff was refused, paused, given back or taken back, or why a contact failed."
* ^caseSensitive = true
* ^experimental = false
* #no-capacity "No capacity" "The recipient cannot see the person soon enough."
* #wrong-service "Wrong service" "The recipient does not offer what is asked for."
* #out-of-area "Out of area" "The person lives outside the area that the recipient serves."
* #coverage-not-accepted "Coverage not accepted" "The recipient does not accept the person's coverage."
* #needs-other-level-of-care "Needs other level of care" "The person needs more, or less, than the recipient offers."
* #person-declined "Person declined" "The person does not want it."
* #person-not-reached "Person not reached" "The person could not be reached."
* #no-answer "No answer" "Nobody took the call."
* #voicemail "Voicemail" "Only a recorded message could be left; that is no contact."
* #wrong-number "Wrong number" "The contact details were wrong."
* #sent-in-error "Sent in error" "It should not have been sent."
* #taken-over-elsewhere "Taken over elsewhere" "Somebody else has taken the person over."
* #acceptance-overdue "Acceptance overdue" "The acceptance deadline passed without an answer."
* #contact-failed "Contact failed" "An attempt to reach the recipient failed."
* #handoff-answered "Handoff answered" "The handoff has been answered, so that nobody needs to step in any more."

ValueSet: HandoffReasons
Id: handoff-reason
Title: "Handoff reasons"
Description: "Why a handoff was refused, paused, given back or taken back, or why a contact failed."
* ^experimental = false
* include codes from system HandoffReason

CodeSystem: HandoffAction
Id: handoff-action
Title: "Next actions of a handoff"
Description: "What is awaited next; the code of the extension next-action."
* ^caseSensitive = true
* ^experimental = false
* #send "Send" "Add what the pathway asks for and send the request."
* #answer "Answer" "Accept or reject the request; until then the initiator holds the person."
* #make-first-contact "Make first contact" "Make the first contact with the person."
* #complete "Complete" "Record that the first contact took place, and complete the handoff."
* #confirm-abort "Confirm abort" "Stop, and confirm by `cancelled` what the initiator asked to abort."
* #resume "Resume" "Remove what stands in the way and resume, or give the person back by `failed`."
* #renew-consent "Renew consent" "No Consent lets the recipient read the handoff any more: bring a new one, or take the person back by `cancelled`; call the recipient."
* #arrange-care "Arrange care" "Decide what comes next for the person: another recipient, own care, or none needed."
* #continue-care "Continue care" "Go on with the care of the person; the handoff is closed."

ValueSet: HandoffActions
Id: handoff-action
Title: "Next actions of a handoff"
Description: "What is awaited next; the code of the extension next-action."
* ^experimental = false
* include codes from system HandoffAction

CodeSystem: HandoffTaskCode
Id: handoff-task
Title: "Child Tasks of a handoff"
Description: "Task.code of the Tasks that the adapter opens beside a handoff."
* ^caseSensitive = true
* ^experimental = false
* #escalate "Escalate" "Step in for a handoff that nobody answers."
* #re-engagement "Re engagement" "Reach out by the preferred contact, record why the person did not come, and offer another appointment. When nobody can be reached, tell the initiator."
* #follow-up "Follow up" "Confirm that the appointment is scheduled; at the next visit confirm that she attended. If not, record why and open a re-engagement attempt."

ValueSet: HandoffTaskCodes
Id: handoff-task
Title: "Child Tasks of a handoff"
Description: "Task.code of the Tasks that the adapter opens beside a handoff."
* ^experimental = false
* include codes from system HandoffTaskCode

CodeSystem: HandoffEvent
Id: handoff-event
Title: "Events of a handoff"
Description: "What the ledger of a handoff may hold; MessageHeader.event of messages about it."
* ^caseSensitive = true
* ^experimental = false
* #handoff-drafted "Handoff drafted" "The initiator prepares a handoff; nobody else sees it."
* #handoff-requested "Handoff requested" "The initiator asks the recipient to take the person over."
* #handoff-received "Handoff received" "The recipient has read the request; it has not accepted."
* #handoff-accepted "Handoff accepted" "The recipient holds the person from now on."
* #handoff-rejected "Handoff rejected" "The recipient refused; the initiator still holds the person."
* #handoff-started "Handoff started" "The recipient works on it, for the first time or again after a pause."
* #handoff-put-on-hold "Handoff put on hold" "The recipient paused, still holding the person."
* #handoff-failed "Handoff failed" "The recipient could not go on; the initiator holds the person again."
* #handoff-completed "Handoff completed" "The first contact took place; the handoff is closed."
* #handoff-cancelled "Handoff cancelled" "The initiator took the handoff back; it holds the person."
* #handoff-entered-in-error "Handoff entered in error" "The handoff should never have been recorded."
* #handoff-updated "Handoff updated" "The content of the handoff changed, its status did not."
* #handoff-abort-requested "Handoff abort requested" "The initiator asked the recipient to stop a handoff in progress."
* #handoff-replaced "Handoff replaced" "A new handoff was opened in the place of this one."
* #gate-refused "Gate refused" "A step was refused because facts were missing or a gate was shut."
* #contact-made "Contact made" "The two sides spoke live."
* #contact-failed "Contact failed" "An attempt to reach the other side failed; the ladder starts."
* #contact-person-informed "Contact person informed" "The person was told who will contact them, when, and what to do until then."
* #contact-outreach-made "Contact outreach made" "The recipient reached out to the person."
* #appointment-booked "Appointment booked" "A first appointment is booked and confirmed."
* #appointment-missed "Appointment missed" "The person did not come to the first appointment."
* #appointment-attended "Appointment attended" "The first visit took place."
* #deadline-acceptance-missed "Deadline acceptance missed" "The acceptance deadline passed without acceptance; the ladder starts."
* #deadline-clock-missed "Deadline clock missed" "Another clock of the pathway ran out; the detail names it."
* #deadline-follow-up-opened "Deadline follow up opened" "A follow-up Task of the pathway was opened; the detail names its clock."
* #follow-up-closed "Follow up closed" "A follow-up Task was closed; the detail names its clock and the status that it has."
* #ladder-alternate-told "Ladder alternate told" "Ladder, first rung: the alternate contact was told."
* #ladder-escalated "Ladder escalated" "Ladder, second rung: a child Task went to the escalation owner."
* #ladder-flagged-for-review "Ladder flagged for review" "Ladder, third rung: the handoff was flagged for governance review."
* #disclosure-permitted "Disclosure permitted" "The person's Consent lets an organisation read the handoff; the detail names both."
* #disclosure-withheld "Disclosure withheld" "No Consent of the person lets an organisation read the handoff; the detail says why."
* #disclosure-emergency "Disclosure emergency" "An organisation may read the handoff for a time without Consent: a medical emergency."
* #disclosure-ended "Disclosure ended" "The Consent by which an organisation read the handoff has ended; the detail says why."
* #delivery-delivered "Delivery delivered" "A notification reached its subscriber."
* #delivery-available "Delivery available" "A notification has no channel to go out by; its subscriber reads when it asks."
* #delivery-withheld "Delivery withheld" "A notification was not sent, because its subscriber may no longer read the handoff."
* #delivery-failed "Delivery failed" "A notification did not reach its subscriber and will be tried again."
* #delivery-parked "Delivery parked" "A notification is given up until a person retries it."

ValueSet: HandoffEvents
Id: handoff-event
Title: "Events of a handoff"
Description: "What the ledger of a handoff may hold; MessageHeader.event of messages about it."
* ^experimental = false
* include codes from system HandoffEvent

CodeSystem: EvidenceSection
Id: evidence-section
Title: "Evidence sections"
Description: "Composition.type and Composition.section.code of the answer to Task/$evidence."
* ^caseSensitive = true
* ^experimental = false
* #handoff-evidence "Handoff evidence" "Everything that proves, or fails to prove, a handoff."
* #standing "Standing" "Who holds the person, what is awaited from whom, and by when."
* #evidence-rules "Evidence rules" "What must be provable, with a verdict on each rule."
* #gates "Gates" "What each step needed, with a verdict on each gate."
* #timeline "Timeline" "What happened, in the order in which it was recorded."
* #transitions "Transitions" "Every step of the lifecycle."
* #contacts "Contacts" "Contact attempts, live or not."
* #appointments "Appointments" "What was booked, kept or missed."
* #clock "Clock" "Every step of the clock: when it was or is due, and what became of it."
* #ladder "Ladder" "Missed deadlines, and who was brought in."
* #deliveries "Deliveries" "Who was told of what."
* #resources "Resources" "Every resource of the handoff, in its newest version."

ValueSet: EvidenceSections
Id: evidence-section
Title: "Evidence sections"
Description: "Composition.type and Composition.section.code of the answer to Task/$evidence."
* ^experimental = false
* include codes from system EvidenceSection

CodeSystem: HandoffMethod
Id: handoff-method
Title: "Handoff methods"
Description: "How a handoff was made; value of the fact handoff-method."
* ^caseSensitive = true
* ^experimental = false
* #digital-form "Digital form"
* #in-room-call "In room call"
* #peer-introduction "Peer introduction"
* #phone "Phone"
* #portal-link "Portal link"
* #same-day-appointment "Same day appointment"
* #shared-note "Shared note"
* #three-way-call "Three way call"
* #video "Video"

ValueSet: HandoffMethods
Id: handoff-method
Title: "Handoff methods"
Description: "How a handoff was made; value of the fact handoff-method."
* ^experimental = false
* include codes from system HandoffMethod

CodeSystem: Coverage
Id: coverage
Title: "Coverages"
Description: "The kind of coverage of the person, as far as routing needs it; value of the fact coverage."
* ^caseSensitive = true
* ^experimental = false
* #insured "Insured"
* #medicaid "Medicaid"
* #uninsured "Uninsured"
* #unknown "Unknown"

ValueSet: Coverages
Id: coverage
Title: "Coverages"
Description: "The kind of coverage of the person, as far as routing needs it; value of the fact coverage."
* ^experimental = false
* include codes from system Coverage

CodeSystem: AccessNeed
Id: access-need
Title: "Access needs"
Description: "What makes the usual handoff unfit for the person; value of the fact access-needs, or Flag.code."
* ^caseSensitive = true
* ^experimental = false
* #co-occurring-substance-use "Co occurring substance use"
* #cognitive-disability "Cognitive disability"
* #language-need "Language need"
* #limited-phone-access "Limited phone access"
* #transportation-barrier "Transportation barrier"
* #unstable-housing "Unstable housing"

ValueSet: AccessNeeds
Id: access-need
Title: "Access needs"
Description: "What makes the usual handoff unfit for the person; value of the fact access-needs, or Flag.code."
* ^experimental = false
* include codes from system AccessNeed

CodeSystem: RiskTier
Id: risk-tier
Title: "Risk tiers"
Description: "The higher the risk, the stronger the control; RiskAssessment.prediction.qualitativeRisk."
* ^caseSensitive = true
* ^experimental = false
* #low "Low"
* #moderate "Moderate"
* #high "High"

ValueSet: RiskTiers
Id: risk-tier
Title: "Risk tiers"
Description: "The higher the risk, the stronger the control; RiskAssessment.prediction.qualitativeRisk."
* ^experimental = false
* include codes from system RiskTier

CodeSystem: CarePlanCategory
Id: care-plan-category
Title: "Care plan categories"
Description: "CarePlan.category of plans that a handoff knows."
* ^caseSensitive = true
* ^experimental = false
* #safety-plan "Safety plan" "A plan for when things get worse: warning signs, what helps, whom to call."

ValueSet: CarePlanCategories
Id: care-plan-category
Title: "Care plan categories"
Description: "CarePlan.category of plans that a handoff knows."
* ^experimental = false
* include codes from system CarePlanCategory

CodeSystem: MeasureGroup
Id: measure-group
Title: "What a measure counts"
Description: "Measure.group.code and MeasureReport.group.code."
* ^caseSensitive = true
* ^experimental = false
* #required "Required" "Handoffs requested in the period."
* #completed "Completed" "Handoffs requested in the period whose first contact took place (Task.status completed)."
* #fell-through "Fell through" "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed, also when it went well in the end."
* #corrected "Corrected" "Handoffs that fell through and were followed by a corrective action."
* #completion "Completion" "Handoffs that were completed."
* #acceptance "Acceptance" "Handoffs that were accepted."
* #time-to-acceptance "Time to acceptance" "Hours from the request to the acceptance; the score is the median."
* #time-to-first-contact "Time to first contact" "Hours from Encounter.period.end of the ServiceRequest's Encounter to the first visit that was attended; the score is the median."
* #missed "Missed" "First appointments that were missed."
* #within-7-days "Within 7 days" "Crisis episodes that were followed by another within 7 days."
* #within-30-days "Within 30 days" "Crisis episodes that were followed by another within 30 days."
* #escalated "Escalated" "Failed contacts that were escalated."
* #live-contact "Live contact" "Accepted handoffs with a live contact."
* #no-timely-intake "No timely intake" "Handoffs without timely intake."
* #no-follow-up "No follow up" "Handoffs without any follow-up step."
* #emergency "Emergency" "Handoffs disclosed in a medical emergency."

ValueSet: MeasureGroups
Id: measure-group
Title: "What a measure counts"
Description: "Measure.group.code and MeasureReport.group.code."
* ^experimental = false
* include codes from system MeasureGroup

CodeSystem: MeasurePopulation
Id: measure-population
Title: "Populations of a measure"
Description: "Measure.group.population.code beside HL7's."
* ^caseSensitive = true
* ^experimental = false
* #late-record "Late record" "Of these, handoffs with an event that was recorded more than 24 hours after it happened."

ValueSet: MeasurePopulations
Id: measure-population
Title: "Populations of a measure"
Description: "Measure.group.population.code beside HL7's."
* ^experimental = false
* include codes from system MeasurePopulation

CodeSystem: MeasureStratifier
Id: measure-stratifier
Title: "What a measure is stratified by"
Description: "Measure.group.stratifier.code and MeasureReport.group.stratifier.code."
* ^caseSensitive = true
* ^experimental = false
* #pathway "Pathway" "The pathway of the handoff."
* #initiator "Initiator" "The organisation that hands the person over."
* #recipient "Recipient" "The organisation that is asked to take the person over."
* #coverage "Coverage" "The kind of coverage of the person, as the handoff states it."
* #access-need "Access need" "Each access need that the handoff states; one with several is in several strata."
* #language "Language" "The preferred language of the person (Patient.communication), else the first that is listed."
* #risk-tier "Risk tier" "The highest risk that the handoff states."

ValueSet: MeasureStratifiers
Id: measure-stratifier
Title: "What a measure is stratified by"
Description: "Measure.group.stratifier.code and MeasureReport.group.stratifier.code."
* ^experimental = false
* include codes from system MeasureStratifier

ValueSet: ContactMedia
Id: contact-medium
Title: "Contact media"
Description: "How a contact was tried. Live can be only FACE, PHONE, PHYSICAL, VIDEOCONF."
* ^experimental = false
* $participation-mode#EMAILWRIT
* $participation-mode#FACE
* $participation-mode#FAXWRIT
* $participation-mode#ONLINEWRIT
* $participation-mode#PHONE
* $participation-mode#PHYSICAL
* $participation-mode#TYPEWRIT
* $participation-mode#VIDEOCONF
* $participation-mode#WRITTEN
