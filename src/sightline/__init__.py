"""sightline: multimodal data that can be trusted, and the models made from it.

Importing this loads nothing heavy; each public name is imported when it is first used.
"""

__version__ = "0.1.0"
