ValueSet: HandoffBundleTypes
Id: handoff-bundle-type
Title: "Types of a handoff Bundle"
Description: "The Bundle types in which a new handoff may be sent."
* $bundle-type#transaction
* $bundle-type#message

ValueSet: RiskLevels
Id: risk-level
Title: "Risk levels"
Description: "Our risk tiers, and HL7's risk probabilities, which are read as the tier that they amount to."
* include codes from system RiskTier
* $risk-probability#negligible
* $risk-probability#low
* $risk-probability#moderate
* $risk-probability#high
* $risk-probability#certain

CodeSystem: PathwayRule
Id: pathway-rule
Title: "Rules of a pathway"
Description: "Gates and evidence rules, named `pathway.gate` or `pathway.evidence.rule` by the files of profiles/pathways, and published in their PlanDefinitions."
* ^caseSensitive = true
* ^experimental = false
* ^content = #not-present
