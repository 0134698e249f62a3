"""What a refinement came to, in figures that say how sure they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from rich.console import RenderableType

from sightline.core.record import RunRecord
from sightline.core.score import Proportion
from sightline.recipes.adversarial_qa.items import Refined
from sightline.recipes.adversarial_qa.reasons import REASONS
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_summary import content_tables, run_tables
from sightline.show.table import listing
from sightline.verify.blind import flagged_by, passes_by_luck

EXAMPLES = 6
"""Questions of each outcome that are kept for the report, with all their tries."""
LEAK = Fraction(3, 5)
"""Accuracy of a judge on a question that leaks, for the example of what luck alone does."""


def refinement_figures(items: Iterable[Refined], tries: int) -> dict[str, Any]:
    """Counts for run.json; shares are [hits, n]. `tries` is 0 where nothing is rewritten."""
    outcomes: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    held: Counter[str] = Counter()
    shown: dict[str, list[dict[str, Any]]] = {"fixed": [], "unfixed": []}
    expected, votes = Fraction(0), 0
    for item in items:
        outcomes[item.outcome] += 1
        if item.tries and len(shown[item.outcome]) < EXAMPLES:
            shown[item.outcome].append(_example(item))
        expected += item.before.chance
        votes = max(votes, len(item.before.chosen))
        attempts.update(one.outcome for one in item.tries)
        calls[str(len(item.tries))] += bool(item.tries)
        if item.outcome == "fixed":
            for name, found in zip(("before", "after"), item.held_out, strict=False):
                held[f"{name}_n"] += found.weak is not None
                held[f"{name}_weak"] += found.weak is True
    tested = outcomes.total() - outcomes["undecided"]
    weak = outcomes["fixed"] + outcomes["unfixed"]
    return {
        "questions": outcomes.total(),
        "undecided": outcomes["undecided"],
        "weak": [weak, tested],
        "weak_by_chance": float(expected / tested) if tested else None,
        "fixed": [outcomes["fixed"], weak],
        "unfixed": outcomes["unfixed"],
        "rewriter_calls": sum(attempts.values()),
        "calls_per_question": dict(sorted((int(n), count) for n, count in calls.items() if count)),
        "attempts": dict(attempts),
        "held_out_weak_before": [held["before_weak"], held["before_n"]],
        "held_out_weak_after": [held["after_weak"], held["after_n"]],
        "examples": shown,
        "leak_flagged": float(flagged_by(LEAK, votes)) if votes else None,
        "leak_passes_by_luck": float(passes_by_luck(LEAK, votes, tries)) if votes and tries else None,
    }


def _example(item: Refined) -> dict[str, Any]:
    """A rewritten question, before and after, for people: what gave it away, what was tried."""
    fields = {"question", "options", "answer"}
    return {
        "before": item.original.model_dump(mode="json", include=fields),
        "reason": item.before.reason,
        "tries": [one.model_dump(mode="json") for one in item.tries],
        "after": item.final.model_dump(mode="json", include=fields) if item.outcome == "fixed" else None,
    }


def refinement_lines(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, figure, what it means), for terminal, card and report."""
    chance, luck = figures["weak_by_chance"], figures["leak_passes_by_luck"]
    lines = [
        ("questions tested", f"{figures['questions']:,}", ""),
        ("weak", str(Proportion(*figures["weak"])), "the blind judge was right in more than half of its valid votes"),
        ("weak by chance", "–" if chance is None else f"{chance:.1%}", "of good questions, by guessing alone"),
        ("undecided", f"{figures['undecided']:,}", "no vote of the blind judge could be read"),
        ("unfixed", f"{figures['unfixed']:,}", "in splits of their own, in their original wording"),
    ]
    if luck is not None:
        share = str(Proportion(*figures["fixed"]))
        lines.insert(-1, ("fixed", share, "of the weak: no longer weak for the judge that was worked against"))
        lines.append(("rewriter calls", f"{figures['rewriter_calls']:,}", _attempts(figures["attempts"])))
    before, after = Proportion(*figures["held_out_weak_before"]), Proportion(*figures["held_out_weak_after"])
    if before.n or after.n:
        lines.append(("fixed, held-out: weak before", str(before), "for a judge that the rewriting never met"))
        lines.append(("fixed, held-out: weak after", str(after), "what the fixes are worth"))
    if luck is not None:
        words = "of leaks that a judge sees through 3 times in 5 would pass as fixed without being mended"
        lines.append(("passes by luck", f"{luck:.0%}", words))
    return lines


ROLE_HEADER = ("role", "model", ">requests", ">from cache", ">tokens", ">USD")


def role_lines(run: RunRecord) -> list[tuple[str, str, str, str, str, str]]:
    """Who was asked how often and for how much in this run (`ROLE_HEADER`); last, what all runs have paid."""
    lines = [
        (
            role,
            run.models.get(role, ""),
            f"{count['requests']:,}",
            f"{count['cached']:,}",
            f"{count['input_tokens'] + count['output_tokens']:,}",
            f"{count['cost_usd']:.4f}",
        )
        for role, count in run.figures.get("roles", {}).items()
    ]
    if lines and "cost_usd" in run.figures:
        lines.append(("in all runs", "", "", "", "", f"{run.figures['cost_usd']:.4f}"))
    return lines


def questions_tables(dataset: Dataset) -> list[RenderableType]:
    """For the terminal: funnel, refusals, what the questions are, what a refinement came to, what the models took."""
    figures = dataset.run.figures
    tables = run_tables(dataset, REASONS)
    tables += content_tables(dataset, ("split", "language", "category", "style"), "questions", scored=True)
    if "refinement" in figures:
        lines = refinement_lines(figures["refinement"])
        tables.append(listing("refinement", ("what", ">figure", "which means"), lines))
    if roles := role_lines(dataset.run):
        tables.append(listing("models", ROLE_HEADER, roles))
    return tables


def _attempts(attempts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(attempts.items()))
