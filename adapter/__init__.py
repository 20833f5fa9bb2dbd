"""The Handoff Adapter: a FHIR R4 intermediary that moves responsibility for a person between two organisations."""
