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
