"""Videos in, scene-level annotations with aligned times out."""
