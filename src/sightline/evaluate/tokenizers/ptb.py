"""The words that COCO caption evaluation counts, without Java.

`ptb(text)` gives what `pycocoevalcap.tokenizer.ptbtokenizer` gives for one caption: the Stanford Penn-Treebank
tokenizer (CoreNLP 3.4.1, options preserveLines and lowerCase) followed by the list of punctuation that the
evaluation drops. It is written from the observed behaviour of that program, quirks included: brackets stay as the
words `-lrb-` and `-rrb-`, a pound sign becomes `#`, a euro sign `$`, "cannot" two words, emoji vanish, "?!" stays.

Like the original it is a longest-match lexer: at each place the rule that takes most characters wins, look-ahead
counted, the earlier rule on a tie. One difference is meant: the Java program reads all captions as one text, so that a
caption that ends "plan b." loses the period of "b." when the *next* caption begins with "The"; here each stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

DROPPED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", ""])
"""Tokens that are no words. The original list also has "-LRB-" and its sisters in capitals, which never match, since
the text is lower-case by then."""

_ABBREVIATIONS = (
    "al cf co ct dr ft ga jr ky lt md mo mr ms mt ph rd rt sq sr st va vs vt wm adj adm adv ala apr aug ave bhd "
    "cie col cos cpl dak dec det drs ens esq est etc ext feb fla fri gen gov hon inc ind jan jos jul jun kan ltd "
    "maj mar mfg mme mon mrs mtg neb nev nov oct pfc plc pte pty pvt rep rev sen sep seq sfc sgt spc ste sys tel "
    "thu tue wed wis wyo alex ariz assn asst atty bldg blvd brig bros capt cmdr colo conn corp dept elec govs "
    "insp intl invt kans mich minn mlle mont msgr natl okla penn ppte ppty pres prof ptes ptys reps sens sept "
    "supt tenn tues univ wisc assoc calif thurs"
)
_CAPITALISED = "Az La Pa Ark Del Ill Ore Tex Mass Miss Wash"
_BEFORE_A_NUMBER = "ca no op pp art fig nos"
_STARTERS = (
    "A An As At He If In It So We But Her Now One Our She The Yet You Here Last Many More Once Some Such That "
    "Then They This What When About According Additionally After Earlier However Other Since Their There These "
    "While"
)
"""After an initial and a blank, these show that the period ended a sentence."""

_LETTER = "(?:[\u0300-\u036f]|[^\\W\\d_\xb2\xb3\xb9\xbc-\xbe\u2070-\u2079\u2080-\u209c\u2150-\u27ff])"
_SIGN = "(?:[\u0300-\u036f]|[^\\W_\xb2\xb3\xb9\xbc-\xbe\u2070-\u2079\u2080-\u209c\u2150-\u27ff])"
"""A letter or a digit."""
_TICK = "['\u2019\x92]"
_END = f"(?!{_SIGN})"


def _either(words: str) -> str:
    return "|".join(sorted(words.split(), key=len, reverse=True))


_CAPITALS = "|".join(f"{word[0]}(?i:{word[1:]})" for word in _CAPITALISED.split())
_NOT = f"[nN]{_TICK}[tT]{_END}"

_SPACED = {
    "tag": r"()</?[A-Za-z][\w:.-]*(?:\s+[\w:.-]+(?:\s*=\s*(?:'[^'<>]*'|\"[^\"<>]*\"|[\w.-]+))?)*\s*/?>|()<![^>\n<]*>",
    "fraction": r"()\d+\s\d+/\d+",
    "phone": r"()\(\d{3}\)\s?\d{3}[- ]\d{4}(?!\d)|\+?\d{1,2}\s\d{3}\s\d{3,4}(?:\s\d{4})?(?!\d)",
}
"""Tokens that may hold a blank."""
_PLAIN = {
    "entity": r"&(?i:amp|lt|gt|quot|apos|nbsp);",
    "other entity": r"&#?\w+;",
    "url": r"https?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]}]",
    "site": r"(?:www\.[^\s<>\"()]{1,200}?\.|[A-Za-z0-9-]+\.)(?:com|net|org|edu)(?:/[^\s<>\"()]*[^\s<>\"()'.,;:!?])?"
    + _END,
    "email": r"[A-Za-z0-9][\w.+-]{0,64}@[A-Za-z0-9][\w-]*(?:\.[\w-]+)*",
    "handle": r"#[A-Za-z]+|@[A-Za-z_]\w*",
    "smile": rf"[:;=][-o*']?[()\[\]DPdpO|\\@{{}}]{_END}",
    "was": rf"({_TICK}[tT])(?i:is|was){_END}",
    "suffix": rf"{_TICK}(?:[sSmMdD]|[rR][eE]|[vV][eE]|[lL][lL]){_END}",
    "elided": rf"{_TICK}(?i:em|(?:til|cause){_END})|{_TICK}[nN](?:{_TICK}|{_END})|{_TICK}\d\d(?:[sS]{_END}|(?!\S))",
    "not": _NOT,
    "two words": rf"(?i:(can)not|(gon|wan)na|(got)ta|(gim|lem)me){_END}",
    "dollar": r"(?:US|HK|NZ|[ACN])\$",
    "degree": r"(?i:ph\.d)\.?",
    "before a comma": rf"{_SIGN}+(?:-{_SIGN}+)*\.(?=[,;:])",
    "dotted": rf"{_LETTER}(?:\.{_LETTER})+\.",
    "abbreviation": rf"(?:(?i:{_either(_ABBREVIATIONS)})|{_CAPITALS})\.",
    "initial": rf"{_LETTER}\.(?!{_LETTER})(?!\s+(?:{_either(_STARTERS)})(?!\S))",
    "number's name": rf"((?i:{_either(_BEFORE_A_NUMBER)})\.)\s?\d",
    "company": r"[A-Z]+(?:(?:[&+]|&amp;)[A-Z]+)+",
    "language": r"[cCfF]#|[cC]\+\+",
    "dotted-hyphened": rf"{_LETTER}{_SIGN}*(?:\.{_LETTER}{_SIGN}*)*\.?(?:-{_SIGN}+)+",
    "measured": rf"\d*(?:[.,]\d+)+(?:-{_SIGN}+)+",
    "number": r"[-+]?\d*(?:[.,:]\d+)+|[-+]?\d+|[-+]?(?:\d+-)?\d+/\d+",
    "before not": rf"({_LETTER}{_SIGN}*?){_NOT}",
    "word": rf"(?:\d*{_LETTER})+{_SIGN}*(?:[.!?]{_LETTER}{_SIGN}*)*",
    "thing": rf"(?:[dDoOlL]{_TICK}(?={_SIGN}{{2}}))?{_SIGN}+(?:[-_](?:[dDoOlL]{_TICK}(?={_SIGN}))?{_SIGN}+)*",
    "either": rf"{_SIGN}+(?:-{_SIGN}+)*(?:/{_SIGN}+(?:-{_SIGN}+)*){{1,2}}",
    "before a name": rf"((?i:ol|dunkin|[yj]){_TICK})(?!(?i:[smd]|re|ve|ll){_END}){_LETTER}",
    "one word": rf"(?i:c'mon|ma'am|e'er){_END}|n{_TICK}{_LETTER}{{2,}}",
    "vowels": rf"{_LETTER}+(?i:[aeiou]{_TICK}[aeiou]){_LETTER}*",
    "elided after": rf"(?i:ol|[jdl]){_TICK}",
    "file": r"[\w.]{1,80}?\.(?:c|h|x|py|txt|jpg|png|gif|html?|xml|java|pdf|exe)" + _END,
    "dots": r"\.(?:[ ]?\.){2,}|\u2026",
    "dash": r"--+|[\u2013-\u2015\x96\x97]",
    "marks": r"[!?]+",
    "quote": r"\"|''|``|[\u201c\u201d\u201e\u00ab\u00bb\x93\x94]",
    "run": r"__+|##+|\*\*+|<<|>>",
}
_RULES = tuple((name, re.compile(pattern)) for name, pattern in (_SPACED | _PLAIN).items())

_WRITTEN = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "£": "#", "€": "$", "¤": "$", "\u20a0": "$", "\x80": "$", "¢": "cents",
    "¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3",
    "\u2018": "`", "\u2019": "'", "\u201b": "`", "\u2039": "`", "\u203a": "'", "\xad": "-",
    "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": "''", "&apos;": "'", "&nbsp;": "",
}  # fmt: skip
_SEEN = re.compile(
    "[!-~\xa1\xa5-\xa9\xac\xae-\xb9\xbf\xd7\xf7\u037e\u0387\u2016\u2017\u201a\u201e-\u2023\u2030-"
    "\u2038\u203b\u203e-\u2042\u2044\u2070-\u208e\u20a4\u2100-\u214f\u2155-\u215e\u2190-\u27ff\u3001"
    "\u3002\u3012\u30fb\uff01-\uff65\uffe0\uffe1\uffe5\uffe6]"
)
"""Signs that are tokens of their own; every other sign that no rule takes vanishes."""


_CROSSES_BLANKS = re.compile(
    rf"<|\d\)?\s+\d|(?i:\b(?:{_either(_BEFORE_A_NUMBER)}))\.\s+\d|(?<!{_SIGN}){_LETTER}\.\s+[A-Z]"
)
"""Where a blank does not end the look: such a text is read as a whole; in all others each chunk stands alone."""
_MAY_CROSS = re.compile(r"[<\d]|\.\s")
"""A quick look first: without any of these nothing crosses a blank."""
_LONGEST_KEPT = 32
_MOST_KEPT = 200_000


class _Chunks(dict[str, tuple[str, ...]]):
    """Words of a chunk without blanks, remembered: captions repeat theirs."""

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        words = tuple(_lex(chunk))
        if len(chunk) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[chunk] = words
        return words


_CHUNKS = _Chunks()


def ptb(text: str) -> str:
    """The kept words of one caption, lower-case, joined by single blanks.

    >>> ptb("A man isn't riding (slowly).")
    "a man is n't riding -lrb- slowly -rrb-"
    """
    if _MAY_CROSS.search(text) and _CROSSES_BLANKS.search(text):
        return " ".join(_lex(text.replace("\n", " ")))
    chunks = _CHUNKS
    return " ".join([word for chunk in text.split() for word in chunks[chunk]])


def _lex(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        word, at = _next(text, at)
        if word not in DROPPED:
            yield word


def _next(text: str, at: int) -> tuple[str, int]:
    """The word at this place ("" for none) and where it ends."""
    longest, end, rule = at, at, ""
    for name, pattern in _RULES:
        match = pattern.match(text, at)
        if match and match.end() > longest:
            longest, rule = match.end(), name
            end = match.end(match.lastindex) if match.lastindex and match[match.lastindex] else longest
    if not rule:
        sign = text[at]
        if sign in _WRITTEN:
            return _WRITTEN[sign], at + 1
        return (sign if _SEEN.match(sign) else ""), at + 1
    token = text[at:end].lower()
    if rule in ("dots", "dash", "quote"):
        return "", end
    if rule in _SPACED or rule == "smile":
        return token.replace(" ", "\xa0").replace("(", "-lrb-").replace(")", "-rrb-"), end
    if rule in ("suffix", "not", "was", "elided"):
        return token.replace("\u2019", "'").replace("\x92", "'"), end
    return _WRITTEN.get(token, token.replace("&amp;", "&").replace("\xad", "")), end
