"""A diffusion teacher and its two-step student, from pictures to an honest card.

    python examples/two_step_student.py [OUT]

On scikit-learn's 8x8 digits (real handwriting, no download), cut short so that it takes about two minutes of one core:
the card will say that the student is not good yet. `sightline train image digits-8 --out DIR` is the whole run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from sightline.generate import Condition, DistillConfig, ModelConfig, Recipe, TrainConfig, distill, produce, student_of
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.data import PictureBatches
from sightline.generate.losses import Diffusion
from sightline.generate.opening import identity
from sightline.generate.picture import contact_sheet
from sightline.generate.training import train
from sightline.runs.image_card import Plan
from sightline.runs.image_consistency import card, embedded_pictures, three_parts

SHORT = TrainConfig(steps=800, batch=256, cool=300)


def main(out: Path) -> None:
    torch.set_num_threads(1)

    # 1. Pictures in three parts: to train on, to choose settings on, and to report on.
    parts = three_parts(embedded_pictures("digits-8"), share=1 / 3)
    print("pictures:", *(len(part) for part in parts))

    # 2. A teacher: any network, any path (here TrigFlow; EDM, DDPM, flow matching are translated into it exactly).
    config = ModelConfig(
        backbone=MLPConfig(shape=(1, 8, 8), classes=10), pixels=parts.training.spread, classes=parts.training.classes
    )
    batches = PictureBatches(parts.training, config.pixels)
    teacher = config.build()
    train(teacher, Diffusion(config.frame), batches, SHORT, out / "teacher", record=(config, {"pictures": "digits-8"}))

    # 3. A student that jumps: it learns the guided teacher's paths, then is polished by consistency distillation (sCM).
    how = DistillConfig(
        paths=4096, regression=SHORT, polish=TrainConfig(steps=100, lr=3e-5, cool=50, ramp=20, log_every=20)
    )
    student = student_of(teacher, how.guidance)
    distill(teacher, student, batches, how, out / "student", model=(student.config, identity(teacher)))

    # 4. Two evaluations a picture, drawn by class.
    labels = Condition(label=torch.arange(10).repeat(4))
    drawn = produce(student, 40, Recipe(steps=2), labels)
    (out / "drawn.png").write_bytes(contact_sheet(drawn.pixels(config.pixels), columns=10))
    print(f"{drawn.evaluations:.0f} evaluations a picture: {out / 'drawn.png'}")

    # 5. The card: distance to real pictures that nothing has seen, over paired seeds, beside the teacher's cost.
    made = card((student, teacher), parts, out, Plan(title="digits, cut short", curve=False))
    for gap in made.gaps:
        low, high = gap.interval
        print(f"{gap.student} against {gap.teacher} on {gap.feature}: {gap.value:+.0%} [{low:+.0%}, {high:+.0%}]")
    print(made.copying or "no sampler is shown to copy", out / "card.html", sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/images"))
