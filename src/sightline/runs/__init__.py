"""Training and evaluation stories: each joins models, data and metrics into one run from start to report."""
