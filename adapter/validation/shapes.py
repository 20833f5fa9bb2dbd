"""R4's shapes, as this room knows them by their old name; they live on the floor below, where patches need them too."""

from mappings.shapes import ANY_RESOURCE, Element, elements_of, expression, resource_types

__all__ = ["ANY_RESOURCE", "Element", "elements_of", "expression", "resource_types"]
