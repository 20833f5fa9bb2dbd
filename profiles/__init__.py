"""Data that says what is valid and what is needed: R4 definitions (`r4/`), pathways (`pathways/`)."""
