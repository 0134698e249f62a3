"""A matplotlib figure as inline SVG that wears the page's colours and fonts, in light and dark.

Figures are drawn in stand-in colours; here these become CSS variables of page.css. Nothing else of the page is
touched: matplotlib's global style rule, ids that nobody refers to and metadata go, the remaining ids get a prefix.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import Any, Final
from xml.etree import ElementTree as ET

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from sightline.core.fingerprint import fingerprint

INK: Final = "#010101"
SOFT: Final = "#020202"
LINE: Final = "#030303"
SERIES: Final = tuple(f"#04040{n}" for n in range(1, 7))

_VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    **{stand_in: f"var(--series-{n})" for n, stand_in in enumerate(SERIES, 1)},
}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sightline",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11.0,
    "axes.unicode_minus": True,
}
_REFERENCE = re.compile(r"#([\w-]+)")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FONT_FAMILY = re.compile(r"\s*font-family:[^;]*;?")


def inline_svg(figure: Figure, label: str) -> Markup:
    """`figure` as `<svg role="img">`; `label` is read to those who cannot see it. The same figure gives the same
    text: no dates, ids from the content."""
    out = io.StringIO()
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # matplotlib measures with its own font; the browser, which has more letters, draws the text.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(out.getvalue())
    _strip(root)
    prefix = f"p{fingerprint([out.getvalue(), label])[:10]}-"
    _rename(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", printable(label))
    return Markup(ET.tostring(root, encoding="unicode"))  # ElementTree escaped every text and attribute


def printable(text: str) -> str:
    """Without control characters, which XML cannot hold."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _strip(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_local(name): value for name, value in element.attrib.items()}
        style = element.get("style")
        if style is not None:
            element.set("style", _themed(style))


def _rename(root: ET.Element, prefix: str) -> None:
    referred = {
        name
        for element in root.iter()
        for attribute in ("href", "clip-path")
        for name in _REFERENCE.findall(element.get(attribute, ""))
    }
    for element in root.iter():
        if element.get("id", "") in referred:
            element.set("id", prefix + element.attrib["id"])
        else:
            element.attrib.pop("id", None)
        for attribute in ("href", "clip-path"):
            if attribute in element.attrib:
                element.set(attribute, _REFERENCE.sub(rf"#{prefix}\1", element.attrib[attribute]))


def _themed(style: str) -> str:
    style = _FONT_FAMILY.sub("", style)
    for stand_in, variable in _VARIABLES.items():
        style = style.replace(stand_in, variable)
    return style


def _local(name: str) -> str:
    return name.rpartition("}")[2]
