"""The command line: one thin file per verb; a verb's file is imported only when that verb is called."""
