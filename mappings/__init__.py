"""Floor 1: FHIR ⇄ domain. A file per resource type, `from_fhir` beside `to_fhir`; partners' habits in `dialects/`."""
