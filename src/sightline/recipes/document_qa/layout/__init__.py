"""Finders of askable facts on a page, by its layout alone: no model, no network, the same facts every time."""
