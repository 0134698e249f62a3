"""The example documents, one module each: `draw(path)` writes the PDF. All content is invented."""
