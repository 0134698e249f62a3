"""Documents in, verified question-answer dataset out (the Docmatix recipe with its weak points mended)."""
