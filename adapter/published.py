"""Resources of the package of profiles that every partner reads here: the Measures, and the topic to subscribe to."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from mappings.json_codec import decode


def published_measures() -> list[dict[str, Any]]:
    """As they are in the package, in the order of their ids."""
    found = (file for file in files("profiles").joinpath("package").iterdir() if file.name.startswith("Measure-"))
    return [decode(file.read_bytes()) for file in sorted(found, key=lambda file: file.name)]


def published_topics() -> list[dict[str, Any]]:
    """In the form that R4 has for a SubscriptionTopic, a Basic."""
    return [decode(files("profiles").joinpath("package", "Basic-handoff.json").read_bytes())]
