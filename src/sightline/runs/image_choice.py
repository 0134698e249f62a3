"""The one setting of a finished student that is chosen and not trained: the middle angle of its two steps. It is
chosen on pictures of its own, which neither training nor card sees, so that the card stays a clean held-out result."""

from __future__ import annotations

from statistics import fmean
from typing import Final

from pydantic import BaseModel, ConfigDict

from sightline.generate.model import ImageModel
from sightline.generate.producing import Recipe
from sightline.runs.image_yardstick import Yardstick

MIDDLES: Final = (0.2, 0.3, 0.4, 0.6, 0.8, 1.1)
SEEDS: Final = 5


class Choice(BaseModel):
    """What was chosen, and from what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    middle: float
    """Angle at which the second step begins."""
    pictures: int
    """Held-out pictures that it was chosen on; none of them is in the card's reference."""
    feature: str
    distances: tuple[tuple[float, float], ...]
    """(middle angle, FD at two steps, mean over the seeds)."""


def choose(student: ImageModel, yardstick: Yardstick, guidance: float) -> Choice:
    """The middle angle with the least FD at two steps. `guidance` is the student's input, 1 where it takes none."""

    def distance(middle: float) -> float:
        recipe = Recipe(steps=2, middle=middle, guidance=guidance)
        # seeds apart from the card's, which count from 0
        drawn = (yardstick.draw(student, recipe, 1000 + seed).pixels for seed in range(SEEDS))
        return fmean(yardstick.distance(yardstick.first, pixels) for pixels in drawn)

    distances = tuple((middle, distance(middle)) for middle in MIDDLES)
    best = min(distances, key=lambda found: found[1])[0]
    return Choice(middle=best, pictures=len(yardstick.pictures), feature=yardstick.first, distances=distances)
