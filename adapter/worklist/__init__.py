"""The web pages: what is open, one handoff with its timeline, and what proves it. HTML without scripts."""
