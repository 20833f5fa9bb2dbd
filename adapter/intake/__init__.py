"""The door for systems without FHIR: plain JSON, described by marshmallow schemas."""
