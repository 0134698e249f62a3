"""The visible table of verbs: name -> (where its click command stands, its line in `--help`).

Strings, so that `sightline --help` imports none of them and a verb can be found with grep.
"""

from __future__ import annotations

from typing import Final

Table = dict[str, tuple[str, str]]

VERBS: Final[Table] = {
    "build": ("sightline.cli.build:command", "Make a verified dataset from your own files."),
    "inspect": ("sightline.cli.inspect:command", "Look into a dataset: funnel, rejects, scores, one record."),
    "audit": ("sightline.cli.audit:command", "Plant known errors and measure what the checks catch."),
    "check": ("sightline.cli.check:command", "Is the dataset what a trainer accepts? Names each offending row."),
    "export": ("sightline.cli.export:command", "Write the dataset in a trainer's layout."),
    "score": ("sightline.cli.score:command", "Metrics over predictions, each with interval and signature."),
    "evaluate": ("sightline.cli.evaluate:command", "Run a model on a dataset, resumable, then score it."),
    "compare": ("sightline.cli.compare:command", "Two runs, paired: difference, interval, p, equivalence."),
    "agree": ("sightline.cli.agree:command", "A judge against people: kappa, alpha, confusion, bias."),
    "disagree": ("sightline.cli.disagree:command", "Items where string metrics say 0 and the judge says 3."),
    "refine": ("sightline.cli.refine:command", "Rewrite questions that can be answered without looking."),
    "train": ("sightline.cli.train:command", "Train a model on your own data."),
    "plan": ("sightline.cli.plan:command", "Parameters, memory and biggest batch before a run starts."),
    "compare-fusions": ("sightline.cli.compare_fusions:command", "Embed, cross and hybrid fusion on the same data."),
    "chat": ("sightline.cli.chat:command", "Ask a trained vision-language model about a picture."),
    "distill": ("sightline.cli.distill:command", "Make a one- or two-step student of an image model."),
    "generate": ("sightline.cli.generate:command", "Draw pictures from a model, with a contact sheet."),
    "convert": ("sightline.cli.convert:command", "Present an image model in another frame, and prove it."),
    "doctor": ("sightline.cli.doctor:command", "What in a model breaks forward-mode differentiation?"),
    "card": ("sightline.cli.card:command", "The honest distillation card of a student."),
    "report": ("sightline.cli.report:command", "Write report.html again."),
}

BUILD: Final[Table] = {
    "documents": ("sightline.cli.build_documents:command", "PDFs -> question-answer pairs tied to page boxes."),
    "questions": ("sightline.cli.build_questions:command", "A dataset -> multiple-choice questions, keys re-checked."),
    "videos": ("sightline.cli.build_videos:command", "Videos -> scene annotations whose times lie on real cuts."),
}

TRAIN: Final[Table] = {
    "vlm": ("sightline.cli.train_vlm:command", "A vision-language model in stages."),
    "image": ("sightline.cli.train_image:command", "A teacher for image generation: diffusion or flow."),
}
