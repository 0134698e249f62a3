"""Finders of askable facts on a page, by its layout alone: no model, no network, the same facts every time."""

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.recipes.document_qa.layout_writer import LayoutWriter

__all__ = ["LayoutWriter"]

__getattr__, __dir__ = lazy_door(__name__, {"LayoutWriter": "sightline.recipes.document_qa.layout_writer:LayoutWriter"})
