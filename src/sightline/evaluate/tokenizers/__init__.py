"""From a text to the words that a metric counts."""
