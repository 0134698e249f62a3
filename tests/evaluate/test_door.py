from __future__ import annotations

import subprocess
import sys

import sightline.evaluate


def test_every_public_name_loads() -> None:
    for name in sightline.evaluate.__all__:
        found = getattr(sightline.evaluate, name)
        assert type(found).__name__ != "module", name


def test_string_metrics_need_no_torch_and_the_door_nothing_heavy() -> None:
    code = (
        "import sys, sightline.evaluate\n"
        "assert 'numpy' not in sys.modules\n"
        "from sightline.evaluate import METRICS\n"
        "from sightline.core.door import load\n"
        "[load(where) for where in METRICS.values()]\n"
        "heavy = {'torch', 'transformers', 'ray', 'datasets', 'matplotlib', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
