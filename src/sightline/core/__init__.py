"""The nouns everything speaks. pydantic only: no numpy, no torch, no file formats."""
