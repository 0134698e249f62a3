"""Short word lists that several finders share, English and Korean."""

from __future__ import annotations

_IN_SENTENCES = """
is are was were be been has have had will would can could should may must do does did that which who this these those
it they we you he she following follows said says include includes including where when than if because as
and or so but not
"""
_AT_LOOSE_ENDS = "the a an of and or to in for with by from at on is are was & 및 또는 등의"
_SHORTENED = """
e.g. i.e. vs. cf. approx. no. nos. fig. figs. dr. mr. ms. mrs. st. al. u.s. inc. ltd. co. corp. jr. sr. sec. art. vol.
misc. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. nov. dec. dept. ave. pp. p. eq. ref. refs. etc. spp. sp.
"""
SENTENCE_WORDS = frozenset(_IN_SENTENCES.split())
"""A label does not hold them."""
LOOSE_ENDS = frozenset(_AT_LOOSE_ENDS.split())
"""A label, heading or value that ends with one of them goes on elsewhere."""
ABBREVIATIONS = frozenset(_SHORTENED.split())
"""Their full stop ends no sentence; lower case."""
