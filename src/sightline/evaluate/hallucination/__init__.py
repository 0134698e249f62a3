"""Does a model speak of things that are not there? AMBER, POPE and CHAIR over annotations that the user brings."""
