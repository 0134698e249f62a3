"""What can be done with a built dataset, by the recipe that made it: one visible table, loaded when it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.recipes.dataset import Dataset


class Kind(NamedTuple):
    """A kind of dataset; functions as import strings."""

    summary: str
    """`(dataset) -> terminal tables`."""
    audit: str
    """`(folder, *, limit, seed, **judges) -> Audit`."""
    report: str
    """`(folder) -> path of report.html`."""
    conversations: str
    """`(rows) -> rows with images, texts and messages`, which trainers' layouts begin with; "" where rows are so."""
    layouts: tuple[str, ...]
    """Those of `layouts.LAYOUTS` that make sense."""
    judges: tuple[str, ...] = ()
    """Roles of models that an audit can measure."""


_RECIPES = "sightline.recipes"
_QUESTIONS: Final = Kind(
    summary=f"{_RECIPES}.adversarial_qa.figures:questions_tables",
    audit=f"{_RECIPES}.adversarial_qa.audit:audit_questions",
    report=f"{_RECIPES}.adversarial_qa.report:write_report",
    conversations=f"{_RECIPES}.adversarial_qa.conversations:conversations",
    layouts=("mcq", "trl", "messages", "llava"),
    judges=("judge", "blind"),
)
KINDS: Final = {
    "document_qa": Kind(
        summary=f"{_RECIPES}.dataset_summary:summary_tables",
        audit=f"{_RECIPES}.document_audit:audit_documents",
        report=f"{_RECIPES}.document_report:write_report",
        conversations="",
        layouts=("trl", "messages", "llava", "docmatix"),
        judges=("judge",),
    ),
    "video_annotation": Kind(
        summary=f"{_RECIPES}.video_annotation.summary:video_tables",
        audit=f"{_RECIPES}.video_annotation.audit:audit_videos",
        report=f"{_RECIPES}.video_annotation.report:write_video_report",
        conversations=f"{_RECIPES}.video_annotation.conversations:conversations",
        layouts=("llava-video", "trl", "messages", "llava"),
    ),
    "questions": _QUESTIONS,
    "refine": _QUESTIONS,
}
"""Recipe -> what its datasets offer."""


def kind_of(dataset: Dataset) -> Kind:
    """Raises InputError where the recipe is not one of sightline's."""
    if dataset.run.recipe not in KINDS:
        raise InputError(
            f"made by the recipe {dataset.run.recipe!r}, which is not known here",
            subject=dataset.folder,
            remedy=f"this works for {', '.join(KINDS)}",
        )
    return KINDS[dataset.run.recipe]


def call(target: str, *arguments: Any, **named: Any) -> Any:
    """The function of a `Kind` on these arguments."""
    return load(target)(*arguments, **named)


def report(folder: Path) -> Path:
    """Write DIR/report.html with whatever is known by now."""
    written: Path = call(kind_of(Dataset(folder)).report, folder)
    return written
