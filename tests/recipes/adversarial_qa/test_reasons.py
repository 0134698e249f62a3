from __future__ import annotations

import re
from pathlib import Path

import sightline.recipes.adversarial_qa as package
from sightline.recipes.adversarial_qa.reasons import REASONS

FOLDER = Path(package.__file__).parent


def test_every_reason_in_the_code_is_said_in_words() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    used = set(re.findall(r'(?:reason=|Reject\(|return )"([a-z]+(?:-[a-z]+)+)"', text)) - {"unchanged"}
    assert len(used) > 15
    assert used <= set(REASONS)
