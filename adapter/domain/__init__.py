"""Ground floor: what a handoff is and which of its steps are allowed. Standard library only, no clock, no I/O."""
