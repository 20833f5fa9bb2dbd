Alias: $task-code = http://hl7.org/fhir/CodeSystem/task-code
Alias: $task-status = http://hl7.org/fhir/task-status
Alias: $bundle-type = http://hl7.org/fhir/bundle-type
Alias: $participation-mode = http://terminology.hl7.org/CodeSystem/v3-ParticipationMode
Alias: $risk-probability = http://terminology.hl7.org/CodeSystem/risk-probability
Alias: $topic = http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic
