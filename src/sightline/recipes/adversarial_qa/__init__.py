"""Multiple-choice questions that cannot be answered blind: written from templates, refined against a blind judge."""
