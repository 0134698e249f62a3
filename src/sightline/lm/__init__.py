"""Anything that answers a request: a server, a local model, a script, and what is put around them.

`Cached(Budgeted(Endpoint("some-model", "http://localhost:8000/v1"), price, Purse(5.0)), "replies.sqlite")`
"""

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.lm.budget import Budgeted, Forecast, Price, Purse, forecast
    from sightline.lm.cached import Cached, Replay
    from sightline.lm.endpoint import Endpoint, EndpointConfig
    from sightline.lm.local import Local, LocalConfig
    from sightline.lm.opening import open_lm
    from sightline.lm.scripted import Scripted
    from sightline.lm.structure import Structured, structured
    from sightline.lm.tokens import estimate_tokens, request_tokens

__all__ = [
    "Budgeted",
    "Cached",
    "Endpoint",
    "EndpointConfig",
    "Forecast",
    "Local",
    "LocalConfig",
    "Price",
    "Purse",
    "Replay",
    "Scripted",
    "Structured",
    "estimate_tokens",
    "forecast",
    "open_lm",
    "request_tokens",
    "structured",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Budgeted": "sightline.lm.budget:Budgeted",
        "Cached": "sightline.lm.cached:Cached",
        "Endpoint": "sightline.lm.endpoint:Endpoint",
        "EndpointConfig": "sightline.lm.endpoint:EndpointConfig",
        "Forecast": "sightline.lm.budget:Forecast",
        "Local": "sightline.lm.local:Local",
        "LocalConfig": "sightline.lm.local:LocalConfig",
        "Price": "sightline.lm.budget:Price",
        "Purse": "sightline.lm.budget:Purse",
        "Replay": "sightline.lm.cached:Replay",
        "Scripted": "sightline.lm.scripted:Scripted",
        "Structured": "sightline.lm.structure:Structured",
        "estimate_tokens": "sightline.lm.tokens:estimate_tokens",
        "forecast": "sightline.lm.budget:forecast",
        "open_lm": "sightline.lm.opening:open_lm",
        "request_tokens": "sightline.lm.tokens:request_tokens",
        "structured": "sightline.lm.structure:structured",
    },
)
