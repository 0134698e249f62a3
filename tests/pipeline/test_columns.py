"""Arrow arrays made from buffers hold what Arrow's own conversion holds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.pipeline.columns import column, table

NESTED = pa.struct([("lines", pa.list_(pa.struct([("x", pa.float64()), ("text", pa.string())]))), ("seen", pa.bool_())])
LINES = st.fixed_dictionaries({"x": st.none() | st.floats(allow_nan=False), "text": st.none() | st.text()})
RECORDS = st.fixed_dictionaries(
    {"lines": st.none() | st.lists(st.none() | LINES, max_size=3), "seen": st.none() | st.booleans()}
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.none() | RECORDS | st.just({}), max_size=9))
def test_nested_values_are_those_of_arrow(values: list[Any]) -> None:
    made = column(values, NESTED)
    made.validate(full=True)
    assert made.equals(pa.array(values, NESTED))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int32(), [1, None, -(2**31)]),
        (pa.int64(), [2**62, None]),
        (pa.float32(), [0.5, None]),
        (pa.binary(), [b"", None, b"\x00"]),
        (pa.large_binary(), [b"abc", None]),
        (pa.list_(pa.list_(pa.float64())), [[[1.0], []], [], None]),
        (pa.string(), []),
    ],
)
def test_values_are_those_of_arrow(kind: pa.DataType, values: list[Any]) -> None:
    made = column(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))


def test_a_name_that_a_row_lacks_is_null() -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.int64())])
    assert table([{"a": "x"}, {"b": 2}], schema).to_pylist() == [{"a": "x", "b": None}, {"a": None, "b": 2}]


def test_pandas_stays_out() -> None:
    script = (
        "import sys, pyarrow as pa; from sightline.pipeline.columns import table\n"
        "table([{'a': 'x'}], pa.schema([('a', pa.string())])); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
