"""One self-contained HTML page: style inlined, pictures as data URLs, no script. Every text is escaped by jinja2's
autoescape, and a Content-Security-Policy forbids whatever might slip through: nothing in the page can run, and nothing
is loaded but the videos of a page that plays some."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from jinja2 import BaseLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""style-src must allow inline styles (bar widths, box places); a style cannot run or, with default-src 'none', load."""

LINKED = 40
"""Numbers up to which pointing at a mark lights up its note, and back (pure CSS, one rule per number)."""


@lru_cache
def template(package: str, name: str) -> Template:
    """The jinja2 template `name` that lies in `package`; autoescape on, an undefined name is an error.

    >>> template("sightline.show", "page.html").render  # doctest: +SKIP
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=BaseLoader(), trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string((files(package) / name).read_text(encoding="utf-8"))


def web_page(
    title: str,
    body: Markup,
    *,
    eyebrow: str = "",
    lead: str | Markup = "",
    contents: tuple[tuple[str, str], ...] = (),
    plays: str = "",
) -> str:
    """The whole page as HTML text. `contents`: (section id, words) of the links under the headline. `plays`: where
    videos may be played from, as the policy's media-src says it ("'self'": files beside the page); "" for nowhere."""
    return template("sightline.show", "page.html").render(
        title=title,
        body=body,
        eyebrow=eyebrow,
        lead=lead,
        contents=contents,
        policy=f"{POLICY}; media-src {plays}" if plays else POLICY,
        style=Markup(_style()),  # our own file, not anyone's text
    )


@lru_cache
def _style() -> str:
    style = (files("sightline.show") / "page.css").read_text(encoding="utf-8")
    pairs = (
        f'.sheet:has([data-n="{n}"]:is(:hover,:focus-within,:target)) [data-n="{n}"]' for n in range(1, LINKED + 1)
    )
    return f"{style}\n{','.join(pairs)}{{--lit:1}}\n"
