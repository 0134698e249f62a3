"""The honest distillation card: how near a student comes to its teacher, on named features, against pictures that
neither was trained on, over paired seeds; and what it costs. What misses its target is said as plainly as what meets
it.

FD is a Frechet distance on the named features, comparable only with itself. "Gap" is FD(student) / FD(teacher) - 1
for the same seed, hence the same noises and the same labels; its interval is Student's t over the seeds. Every
distance is between as many samples as there are held-out pictures, so the bias of a small sample is the same
everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev

import torch
from pydantic import BaseModel, ConfigDict
from scipy import stats  # type: ignore[import-untyped]
from torch import Tensor

from sightline.core.errors import InputError
from sightline.core.score import Interval, Proportion
from sightline.evaluate.features import kid
from sightline.generate.data import Pictures
from sightline.generate.features import Features, nearest
from sightline.generate.model import ImageModel
from sightline.generate.producing import Recipe, produce
from sightline.runs.image_choice import Choice
from sightline.runs.image_yardstick import Drawn, Yardstick

FEWEST_SEEDS = 5
FROZEN = ConfigDict(frozen=True, extra="forbid")


class Row(BaseModel):
    """One sampler of one model."""

    model_config = FROZEN

    name: str
    steps: int
    evaluations: float
    """Network evaluations for one picture (NFE)."""
    seconds: float
    """For all pictures of one seed, median over the seeds; the samplers take turns within each seed."""
    cpu_seconds: float
    """The same in processor time of this process, which other work on the machine disturbs less."""
    distances: dict[str, tuple[float, ...]]
    """FD for each feature and seed."""
    kernel: dict[str, float]
    """KID for each feature, mean over the seeds."""

    def mean(self, feature: str) -> float:
        """FD, mean over the seeds."""
        return fmean(self.distances[feature])


class Gap(BaseModel):
    """A student's row against a teacher's on one feature."""

    model_config = FROZEN

    student: str
    teacher: str
    feature: str
    value: float
    """FD ratio - 1, mean over paired seeds."""
    interval: Interval
    """95 %, Student's t."""

    @property
    def verdict(self) -> str:
        """Against the target of 10 %."""
        if self.interval.high <= 0.1:
            return "met"
        return "not met" if self.interval.low > 0.1 else "undecided: the interval holds 10 %"


class Memory(BaseModel):
    """Does the model copy? Nearest neighbours of the student's pictures, and of held-out ones, by pixel distance."""

    model_config = FROZEN

    nearer_training: Proportion
    """Samples nearer to a training picture than to any held-out one, from equally many of each; 50 % = no copying. All
    copies are less than 100 %, as only as many training pictures are compared as there are held-out ones."""
    copies: Proportion
    """Samples nearer to a training picture than 99 % of the held-out pictures are; 1 % = as real pictures."""


class Card(BaseModel):
    """Everything that is printed and drawn."""

    model_config = FROZEN

    title: str
    guidance: float
    seeds: int
    samples: int
    """For each seed; also the size of the held-out reference."""
    training: int
    parameters: int
    choice: Choice | None
    """How the student's middle angle was chosen."""
    floor: dict[str, float]
    """FD between training and held-out pictures, with each class as frequent as in the samples: what real pictures
    score."""
    rows: tuple[Row, ...]
    gaps: tuple[Gap, ...]
    memory: dict[str, Memory]
    """For each row, and for a model that would do nothing but copy."""
    curve: dict[str, tuple[tuple[float, float], ...]]
    """Model -> (NFE, FD on the first feature) for one seed."""
    notes: tuple[str, ...]

    @property
    def copying(self) -> str:
        """Plain words where samplers lie nearer to their training pictures than real pictures do; empty where none is
        shown to."""
        found = {row.name: self.memory[row.name].nearer_training for row in self.rows}
        said = [f"{name} {share.value:.0%}" for name, share in found.items() if share.interval.low > 0.55]
        if not said:
            return ""
        return (
            "So many of the pictures lie nearer to a training picture than to a held-out one: "
            f"{', '.join(said)}; real pictures score 50 %, and a model that did nothing but copy "
            f"{self.memory[COPIES].nearer_training.value:.0%}. Small distances are partly bought with that, in teacher "
            "and student alike. More pictures or fewer teacher steps are the remedy."
        )

    def row(self, name: str) -> Row:
        """By name."""
        return next(row for row in self.rows if row.name == name)

    def speed(self, student: str, teacher: str) -> float:
        """How many times faster, by measured seconds."""
        return self.row(teacher).seconds / self.row(student).seconds

    def cpu_speed(self, student: str, teacher: str) -> float:
        """The same by processor time."""
        return self.row(teacher).cpu_seconds / self.row(student).cpu_seconds

    def compute(self, student: str, teacher: str) -> float:
        """Share of the teacher's network evaluations; the network is the same."""
        return self.row(student).evaluations / self.row(teacher).evaluations


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and the card's title."""

    title: str = "student of teacher"
    guidance: float = 1.3
    teacher_steps: int = 32
    student_steps: tuple[int, ...] = (1, 2)
    choice: Choice | None = None
    """Its middle angle is used; None = sCM's 1.1."""
    seeds: int = FEWEST_SEEDS
    curve: bool = True
    classifier_steps: int = 600


GUIDED, UNGUIDED = "teacher, guided", "teacher, unguided"
COPIES = "training pictures themselves"


def make_card(
    student: ImageModel,
    teacher: ImageModel,
    training: Pictures,
    held_out: Pictures,
    features: Mapping[str, Features],
    plan: Plan,
    watch: Callable[[str], None] = lambda _: None,
) -> tuple[Card, dict[str, Tensor]]:
    """The card, and one seed's pictures (N, C, H, W) of each row. Raises InputError for fewer than five seeds."""
    if plan.seeds < FEWEST_SEEDS:
        raise InputError("a card needs at least five paired seeds", subject=plan.seeds)
    n = len(held_out)
    yardstick = Yardstick.of(held_out, features, student.config)
    recipes = _recipes(student, teacher, plan)
    rows, pictures = _measure(recipes, yardstick, plan.seeds, watch)
    gaps = tuple(_gap(row, against, feature) for row in rows[2:] for against in rows[:2] for feature in features)
    floor = {name: yardstick.distance(name, _as_frequent(training, held_out).pixels) for name in features}
    curve: dict[str, tuple[tuple[float, float], ...]] = {}
    for name, source, counts in _curves(rows[-1].name, plan):
        watch("curve")
        model, recipe = recipes[source]
        points = (replace(recipe, steps=steps) for steps in counts)
        curve[name] = tuple(_point(model, r, yardstick) for r in points)
    copied = _memory(training.pixels, training, held_out)
    card = Card(
        title=plan.title,
        guidance=plan.guidance,
        seeds=plan.seeds,
        samples=n,
        training=len(training),
        parameters=sum(p.numel() for p in student.parameters()),
        choice=plan.choice,
        floor=floor,
        rows=tuple(rows),
        gaps=gaps,
        memory={name: _memory(made, training, held_out) for name, made in pictures.items()} | {COPIES: copied},
        curve=curve,
        notes=_notes(n, features, plan.choice),
    )
    return card, pictures


def _recipes(student: ImageModel, teacher: ImageModel, plan: Plan) -> dict[str, tuple[ImageModel, Recipe]]:
    """The rows of the card: the teacher guided and not, the student at each number of steps."""
    recipes = {
        GUIDED: (teacher, Recipe(steps=plan.teacher_steps, guidance=plan.guidance)),
        UNGUIDED: (teacher, Recipe(steps=plan.teacher_steps)),
    }
    strength = plan.guidance if student.config.backbone.guidance else 1.0
    middle = plan.choice.middle if plan.choice else 1.1
    for steps in plan.student_steps:
        name = f"student, {steps} step" + "s" * (steps > 1)
        recipes[name] = (student, Recipe(steps=steps, middle=middle, guidance=strength))
    return recipes


def _curves(student_row: str, plan: Plan) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """(name, row of the card, numbers of steps) for quality against steps; none where the plan wants none."""
    if not plan.curve:
        return ()
    return ("student", student_row, (1, 2, 3, 4)), (GUIDED, GUIDED, (4, 8, 16, plan.teacher_steps))


@dataclass(frozen=True, slots=True)
class _Takes:
    """What one sampler did, seed by seed."""

    seconds: list[float]
    cpu_seconds: list[float]
    drawn: list[Drawn]


def _measure(
    recipes: Mapping[str, tuple[ImageModel, Recipe]], yardstick: Yardstick, seeds: int, watch: Callable[[str], None]
) -> tuple[list[Row], dict[str, Tensor]]:
    """A row for each recipe, and one seed's pictures. The samplers take turns, so that a loaded machine disturbs all
    alike; each warms up on a few pictures first."""
    takes = {name: _Takes([], [], []) for name in recipes}
    for model, recipe in recipes.values():
        few = slice(0, min(8, len(yardstick.pictures)))
        produce(model, few.stop, replace(recipe, steps=2), yardstick.asked[few])
    for seed in range(seeds):
        watch(f"seed {seed}")
        for name, (model, recipe) in recipes.items():
            wall, cpu = time.perf_counter(), time.process_time()
            drawn = yardstick.draw(model, recipe, seed)
            takes[name].seconds.append(time.perf_counter() - wall)
            takes[name].cpu_seconds.append(time.process_time() - cpu)
            takes[name].drawn.append(drawn)
    rows = [_row(name, recipe.steps, takes[name], yardstick) for name, (_, recipe) in recipes.items()]
    return rows, {name: taken.drawn[0].pixels for name, taken in takes.items()}


def _row(name: str, steps: int, takes: _Takes, yardstick: Yardstick) -> Row:
    distances: dict[str, tuple[float, ...]] = {}
    kernel: dict[str, float] = {}
    for feature, extract in yardstick.features.items():
        found = [extract(drawn.pixels) for drawn in takes.drawn]
        distances[feature] = tuple(yardstick.apart(feature, rows) for rows in found)
        reference = yardstick.reference[feature].numpy()
        kernel[feature] = fmean(
            kid(rows.numpy(), reference, subsets=10, seed=seed).value for seed, rows in enumerate(found)
        )
    return Row(
        name=name,
        steps=steps,
        evaluations=round(takes.drawn[0].evaluations, 3),
        seconds=median(takes.seconds),
        cpu_seconds=median(takes.cpu_seconds),
        distances=distances,
        kernel=kernel,
    )


def _point(model: ImageModel, recipe: Recipe, yardstick: Yardstick) -> tuple[float, float]:
    drawn = yardstick.draw(model, recipe, 0)
    return drawn.evaluations, yardstick.distance(yardstick.first, drawn.pixels)


def _gap(student: Row, teacher: Row, feature: str) -> Gap:
    pairs = zip(student.distances[feature], teacher.distances[feature], strict=True)
    ratios = [mine / theirs - 1 for mine, theirs in pairs]
    half = float(stats.t.ppf(0.975, len(ratios) - 1)) * stdev(ratios) / len(ratios) ** 0.5
    value = fmean(ratios)
    interval = Interval(value - half, value + half)
    return Gap(student=student.name, teacher=teacher.name, feature=feature, value=value, interval=interval)


def _as_frequent(pictures: Pictures, asked: Pictures) -> Pictures:
    """Some of the `pictures`, with each class as frequent as in `asked`, as it is in every sampler's samples: counts of
    classes that differ by chance would be most of a distance between real pictures."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(7))
    labels, counts = (found.tolist() for found in torch.unique(asked.labels, return_counts=True))
    rows = [order[pictures.labels[order] == label][:count] for label, count in zip(labels, counts, strict=True)]
    return pictures[torch.cat(rows)]


def _memory(made: Tensor, training: Pictures, held_out: Pictures) -> Memory:
    known = _as_frequent(training, held_out)
    near, _ = nearest(made, known.pixels)
    far, _ = nearest(made, _as_frequent(held_out, known).pixels)
    whole, _ = nearest(made, training.pixels)
    usual, _ = nearest(held_out.pixels, training.pixels)
    limit = usual.quantile(0.01)
    return Memory(
        nearer_training=Proportion(int((near < far).sum()), len(made)),
        copies=Proportion(int((whole < limit).sum()), len(made)),
    )


def _notes(n: int, features: Mapping[str, Features], choice: Choice | None) -> tuple[str, ...]:
    notes = [
        f"FD and KID rest on {n} samples against {n} held-out pictures: biased upwards by the small sample, so read "
        "them against the floor (training against held-out pictures) and against each other only. The same bias stands "
        "in both sides of a gap and makes it look smaller than with many samples.",
        "Speed and compute against the unguided teacher are printed too: guidance alone doubles a teacher's cost.",
    ]
    if choice is not None:
        notes.append(
            f"The middle angle {choice.middle} was chosen on {choice.pictures} other held-out pictures; these ones "
            "were seen by no training and no choice."
        )
    if "classifier" in features:
        notes.append(
            "The classifier was trained on training and held-out pictures together, so that it favours neither."
        )
    return tuple(notes)


def lines(card: Card) -> Sequence[str]:
    """The card as text."""
    out = [f"{card.title}: {card.samples} samples x {card.seeds} paired seeds, guidance {card.guidance}"]
    for row in card.rows:
        distances = "  ".join(f"FD {f} {row.mean(f):.3f}  KID {row.kernel[f]:.4f}" for f in row.distances)
        out.append(f"  {row.name:<20} NFE {row.evaluations:>5.0f}  {row.seconds:7.2f} s  {distances}")
    out.append("  real, training vs held-out: " + "  ".join(f"FD {f} {v:.3f}" for f, v in card.floor.items()))
    for gap in card.gaps:
        low, high = gap.interval
        bounds = f"{gap.value:+.1%} [{low:+.1%}, {high:+.1%}]"
        verdict = f"  target <= 10 %: {gap.verdict}" if gap.teacher == GUIDED else ""
        out.append(f"  gap of {gap.student} to {gap.teacher} on {gap.feature}: {bounds}{verdict}")
    for row in card.rows[2:]:
        for teacher in (GUIDED, UNGUIDED):
            speed, compute = card.speed(row.name, teacher), card.compute(row.name, teacher)
            cpu = f"{card.cpu_speed(row.name, teacher):.1f} x by processor time"
            out.append(f"  {row.name}: {speed:.1f} x faster than {teacher} ({cpu}), {compute:.1%} of its evaluations")
    for name, memory in card.memory.items():
        out.append(f"  {name}: nearer to training {memory.nearer_training}; near copies {memory.copies}")
    if card.copying:
        out.append(f"  the models copy: {card.copying}")
    return [*out, *(f"  note: {note}" for note in card.notes)]
