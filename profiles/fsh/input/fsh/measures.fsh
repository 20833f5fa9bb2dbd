// Written by profiles/build_measures.py; edit adapter/domain/measures.py.
Alias: $scoring = http://terminology.hl7.org/CodeSystem/measure-scoring
Alias: $measure-population = http://terminology.hl7.org/CodeSystem/measure-population
Alias: $improvement = http://terminology.hl7.org/CodeSystem/measure-improvement-notation
Alias: $resource-types = http://hl7.org/fhir/resource-types

Instance: handoff-outcomes
InstanceOf: Measure
Usage: #definition
Title: "Handoffs required, completed and failed"
Description: "How many handoffs were asked for, how many were completed, how many fell through."
* url = "https://handoff.example/fhir/Measure/handoff-outcomes"
* name = "HandoffOutcomes"
* title = "Handoffs required, completed and failed"
* description = "How many handoffs were asked for, how many were completed, how many fell through."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#cohort
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#required
* group[=].description = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."
* group[+].code = MeasureGroup#completed
* group[=].description = "Handoffs requested in the period whose first contact took place (Task.status completed)."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period whose first contact took place (Task.status completed)."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period whose first contact took place (Task.status completed)."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."
* group[+].code = MeasureGroup#fell-through
* group[=].description = "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed, also when it went well in the end."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed, also when it went well in the end."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed, also when it went well in the end."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: corrective-action
InstanceOf: Measure
Usage: #definition
Title: "Corrective action after handoffs that fell through"
Description: "For how many of the handoffs that fell through something was done about it."
* url = "https://handoff.example/fhir/Measure/corrective-action"
* name = "CorrectiveAction"
* title = "Corrective action after handoffs that fell through"
* description = "For how many of the handoffs that fell through something was done about it."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#corrected
* group[=].description = "Handoffs that fell through and were followed by a corrective action."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period that the recipient refused, failed or left unanswered until the acceptance deadline passed."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "Another handoff in its place, the alternate contact told, an escalation, or a flag for review."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Another handoff in its place, the alternate contact told, an escalation, or a flag for review."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: completion-rate
InstanceOf: Measure
Usage: #definition
Title: "Completion rate"
Description: "How many handoffs end with the first contact."
* url = "https://handoff.example/fhir/Measure/completion-rate"
* name = "CompletionRate"
* title = "Completion rate"
* description = "How many handoffs end with the first contact."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#completion
* group[=].description = "Handoffs that were completed."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "The initiator took the handoff back (Task.status cancelled)."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initiator took the handoff back (Task.status cancelled)."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The first contact took place (Task.status completed)."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The first contact took place (Task.status completed)."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: acceptance-rate
InstanceOf: Measure
Usage: #definition
Title: "Acceptance rate"
Description: "How many handoffs the recipient takes over."
* url = "https://handoff.example/fhir/Measure/acceptance-rate"
* name = "AcceptanceRate"
* title = "Acceptance rate"
* description = "How many handoffs the recipient takes over."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#acceptance
* group[=].description = "Handoffs that were accepted."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "The initiator took the handoff back before it was accepted."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initiator took the handoff back before it was accepted."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The recipient accepted, whatever came later."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The recipient accepted, whatever came later."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: time-to-acceptance
InstanceOf: Measure
Usage: #definition
Title: "Time to acceptance"
Description: "How long a person waits until another organisation holds them."
* url = "https://handoff.example/fhir/Measure/time-to-acceptance"
* name = "TimeToAcceptance"
* title = "Time to acceptance"
* description = "How long a person waits until another organisation holds them."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#continuous-variable
* rateAggregation = "median"
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#time-to-acceptance
* group[=].description = "Hours from the request to the acceptance; the score is the median."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#measure-population
* group[=].population[=].description = "Handoffs that were accepted."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs that were accepted."
* group[=].population[+].code = $measure-population#measure-observation
* group[=].population[=].description = "Hours from the request to the acceptance; the score is the median."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Hours from the request to the acceptance; the score is the median."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: time-to-first-contact
InstanceOf: Measure
Usage: #definition
Title: "Time from crisis closure to first outpatient contact"
Description: "How long a person waits between the end of the visit or crisis and the first visit at the recipient."
* url = "https://handoff.example/fhir/Measure/time-to-first-contact"
* name = "TimeToFirstContact"
* title = "Time from crisis closure to first outpatient contact"
* description = "How long a person waits between the end of the visit or crisis and the first visit at the recipient."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#continuous-variable
* rateAggregation = "median"
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#time-to-first-contact
* group[=].description = "Hours from Encounter.period.end of the ServiceRequest's Encounter to the first visit that was attended; the score is the median."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#measure-population
* group[=].population[=].description = "Handoffs whose Encounter has an end and whose first visit took place after it."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs whose Encounter has an end and whose first visit took place after it."
* group[=].population[+].code = $measure-population#measure-observation
* group[=].population[=].description = "Hours from Encounter.period.end of the ServiceRequest's Encounter to the first visit that was attended; the score is the median."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Hours from Encounter.period.end of the ServiceRequest's Encounter to the first visit that was attended; the score is the median."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: missed-first-appointments
InstanceOf: Measure
Usage: #definition
Title: "Missed first appointments"
Description: "How often the first appointment after a handoff does not take place because the person did not come."
* url = "https://handoff.example/fhir/Measure/missed-first-appointments"
* name = "MissedFirstAppointments"
* title = "Missed first appointments"
* description = "How often the first appointment after a handoff does not take place because the person did not come."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#missed
* group[=].description = "First appointments that were missed."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period with an appointment that was kept or missed."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period with an appointment that was kept or missed."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The first of these appointments was missed."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The first of these appointments was missed."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: repeat-crisis
InstanceOf: Measure
Usage: #definition
Title: "Repeat crisis episodes"
Description: "How often another crisis follows soon."
* url = "https://handoff.example/fhir/Measure/repeat-crisis"
* name = "RepeatCrisis"
* title = "Repeat crisis episodes"
* description = "How often another crisis follows soon."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#within-7-days
* group[=].description = "Crisis episodes that were followed by another within 7 days."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs of a known Patient requested in the period on mobile-crisis-to-outpatient or stabilization-discharge."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs of a known Patient requested in the period on mobile-crisis-to-outpatient or stabilization-discharge."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "Not followed by another so far, and closed less than 7 days ago."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Not followed by another so far, and closed less than 7 days ago."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "Another crisis handoff of the same Patient, of another Encounter, was requested within 7 days after this episode was closed (Encounter.period.end), or, when that is not known, after its request."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Another crisis handoff of the same Patient, of another Encounter, was requested within 7 days after this episode was closed (Encounter.period.end), or, when that is not known, after its request."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."
* group[+].code = MeasureGroup#within-30-days
* group[=].description = "Crisis episodes that were followed by another within 30 days."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs of a known Patient requested in the period on mobile-crisis-to-outpatient or stabilization-discharge."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs of a known Patient requested in the period on mobile-crisis-to-outpatient or stabilization-discharge."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "Not followed by another so far, and closed less than 30 days ago."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Not followed by another so far, and closed less than 30 days ago."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "Another crisis handoff of the same Patient, of another Encounter, was requested within 30 days after this episode was closed (Encounter.period.end), or, when that is not known, after its request."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Another crisis handoff of the same Patient, of another Encounter, was requested within 30 days after this episode was closed (Encounter.period.end), or, when that is not known, after its request."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: escalation-after-failed-contact
InstanceOf: Measure
Usage: #definition
Title: "Escalations after failed contact"
Description: "Whether a failed contact leads to an escalation and not to passive closure."
* url = "https://handoff.example/fhir/Measure/escalation-after-failed-contact"
* name = "EscalationAfterFailedContact"
* title = "Escalations after failed contact"
* description = "Whether a failed contact leads to an escalation and not to passive closure."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#escalated
* group[=].description = "Failed contacts that were escalated."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period with a contact that failed."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period with a contact that failed."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "Not escalated, because the recipient accepted or was reached live after the failed contact."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Not escalated, because the recipient accepted or was reached live after the failed contact."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The escalation owner was asked to step in after the failed contact."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The escalation owner was asked to step in after the failed contact."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: live-contact-rate
InstanceOf: Measure
Usage: #definition
Title: "Live contact between the two sides"
Description: "How often the two sides spoke live; to be read by risk tier."
* url = "https://handoff.example/fhir/Measure/live-contact-rate"
* name = "LiveContactRate"
* title = "Live contact between the two sides"
* description = "How often the two sides spoke live; to be read by risk tier."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#increase
* group[+].code = MeasureGroup#live-contact
* group[=].description = "Accepted handoffs with a live contact."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period that were accepted."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period that were accepted."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The two sides spoke live."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The two sides spoke live."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: no-timely-intake
InstanceOf: Measure
Usage: #definition
Title: "Referrals with no timely intake"
Description: "How often the recipient could not take the person in time."
* url = "https://handoff.example/fhir/Measure/no-timely-intake"
* name = "NoTimelyIntake"
* title = "Referrals with no timely intake"
* description = "How often the recipient could not take the person in time."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#no-timely-intake
* group[=].description = "Handoffs without timely intake."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "The initiator took the handoff back before it was accepted."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initiator took the handoff back before it was accepted."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "The recipient refused, did not accept by the acceptance deadline, or another clock of the pathway ran out."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The recipient refused, did not accept by the acceptance deadline, or another clock of the pathway ran out."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: no-follow-up-step
InstanceOf: Measure
Usage: #definition
Title: "Referrals with no follow-up step"
Description: "How often nobody followed through after the referral."
* url = "https://handoff.example/fhir/Measure/no-follow-up-step"
* name = "NoFollowUpStep"
* title = "Referrals with no follow-up step"
* description = "How often nobody followed through after the referral."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#no-follow-up
* group[=].description = "Handoffs without any follow-up step."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#denominator-exclusion
* group[=].population[=].description = "Given back or taken back; or requested less than 10 days ago and nothing recorded yet."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Given back or taken back; or requested less than 10 days ago and nothing recorded yet."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "No appointment, outreach to the person, or closed follow-up is recorded."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "No appointment, outreach to the person, or closed follow-up is recorded."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

Instance: emergency-disclosures
InstanceOf: Measure
Usage: #definition
Title: "Disclosures in a medical emergency"
Description: "How often records under 42 CFR Part 2 were disclosed without Consent, because of a medical emergency."
* url = "https://handoff.example/fhir/Measure/emergency-disclosures"
* name = "EmergencyDisclosures"
* title = "Disclosures in a medical emergency"
* description = "How often records under 42 CFR Part 2 were disclosed without Consent, because of a medical emergency."
* status = #active
* experimental = false
* subjectCodeableConcept = $resource-types#Task
* scoring = $scoring#proportion
* improvementNotation = $improvement#decrease
* group[+].code = MeasureGroup#emergency
* group[=].description = "Handoffs disclosed in a medical emergency."
* group[=].population[+].code = $measure-population#initial-population
* group[=].population[=].description = "Handoffs requested in the period."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Handoffs requested in the period."
* group[=].population[+].code = $measure-population#denominator
* group[=].population[=].description = "The initial population."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "The initial population."
* group[=].population[+].code = $measure-population#numerator
* group[=].population[=].description = "Records were disclosed in a medical emergency, without Consent."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Records were disclosed in a medical emergency, without Consent."
* group[=].population[+].code = MeasurePopulation#late-record
* group[=].population[=].description = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].population[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].population[=].criteria.language.extension.valueCode = #not-applicable
* group[=].population[=].criteria.expression = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."
* group[=].stratifier[+].code = MeasureStratifier#pathway
* group[=].stratifier[=].description = "The pathway of the handoff."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The pathway of the handoff."
* group[=].stratifier[+].code = MeasureStratifier#initiator
* group[=].stratifier[=].description = "The organisation that hands the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that hands the person over."
* group[=].stratifier[+].code = MeasureStratifier#recipient
* group[=].stratifier[=].description = "The organisation that is asked to take the person over."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The organisation that is asked to take the person over."
* group[=].stratifier[+].code = MeasureStratifier#coverage
* group[=].stratifier[=].description = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The kind of coverage of the person, as the handoff states it."
* group[=].stratifier[+].code = MeasureStratifier#access-need
* group[=].stratifier[=].description = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "Each access need that the handoff states; one with several is in several strata."
* group[=].stratifier[+].code = MeasureStratifier#language
* group[=].stratifier[=].description = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The preferred language of the person (Patient.communication), else the first that is listed."
* group[=].stratifier[+].code = MeasureStratifier#risk-tier
* group[=].stratifier[=].description = "The highest risk that the handoff states."
* group[=].stratifier[=].criteria.language.extension.url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
* group[=].stratifier[=].criteria.language.extension.valueCode = #not-applicable
* group[=].stratifier[=].criteria.expression = "The highest risk that the handoff states."

