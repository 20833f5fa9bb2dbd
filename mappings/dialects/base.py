"""The dialect of a partner that follows this project's lifecycle as it stands (docs/lifecycle.md)."""

from mappings.dialects.dialect import Dialect

BASE = Dialect(name="base", source="https://hl7.org/fhir/R4/task.html")
