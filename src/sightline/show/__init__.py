"""Pictures and pages for people: one self-contained HTML page, plots as inline SVG, boxes on pictures, terminal
tables. It knows how things look and nothing of where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.show.blocks import (
        annotated,
        callout,
        chain,
        code,
        counted,
        data_table,
        details,
        facts,
        figure,
        funnel,
        grid,
        interval_bar,
        marked_picture,
        section,
        tiles,
    )
    from sightline.show.overlay import draw_boxes, thumbnail
    from sightline.show.page import template, web_page
    from sightline.show.plots import bars, bars_with_intervals, columns, curve, histogram
    from sightline.show.table import print_tables
    from sightline.show.values import CatchRate, Estimate, Mark, Note, StepFlow, Tile

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "annotated": "sightline.show.blocks:annotated",
        "callout": "sightline.show.blocks:callout",
        "chain": "sightline.show.blocks:chain",
        "code": "sightline.show.blocks:code",
        "counted": "sightline.show.blocks:counted",
        "details": "sightline.show.blocks:details",
        "facts": "sightline.show.blocks:facts",
        "figure": "sightline.show.blocks:figure",
        "funnel": "sightline.show.blocks:funnel",
        "grid": "sightline.show.blocks:grid",
        "interval_bar": "sightline.show.blocks:interval_bar",
        "marked_picture": "sightline.show.blocks:marked_picture",
        "section": "sightline.show.blocks:section",
        "data_table": "sightline.show.blocks:data_table",
        "tiles": "sightline.show.blocks:tiles",
        "draw_boxes": "sightline.show.overlay:draw_boxes",
        "thumbnail": "sightline.show.overlay:thumbnail",
        "web_page": "sightline.show.page:web_page",
        "template": "sightline.show.page:template",
        "bars": "sightline.show.plots:bars",
        "bars_with_intervals": "sightline.show.plots:bars_with_intervals",
        "columns": "sightline.show.plots:columns",
        "curve": "sightline.show.plots:curve",
        "histogram": "sightline.show.plots:histogram",
        "print_tables": "sightline.show.table:print_tables",
        "CatchRate": "sightline.show.values:CatchRate",
        "Estimate": "sightline.show.values:Estimate",
        "Mark": "sightline.show.values:Mark",
        "Note": "sightline.show.values:Note",
        "StepFlow": "sightline.show.values:StepFlow",
        "Tile": "sightline.show.values:Tile",
    },
)

__all__ = [
    "CatchRate",
    "Estimate",
    "Mark",
    "Note",
    "StepFlow",
    "Tile",
    "annotated",
    "bars",
    "bars_with_intervals",
    "callout",
    "chain",
    "code",
    "columns",
    "counted",
    "curve",
    "data_table",
    "details",
    "draw_boxes",
    "facts",
    "figure",
    "funnel",
    "grid",
    "histogram",
    "interval_bar",
    "marked_picture",
    "print_tables",
    "section",
    "template",
    "thumbnail",
    "tiles",
    "web_page",
]
