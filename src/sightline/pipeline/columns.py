"""Python values as Arrow arrays, made from buffers.

`pa.array` would do, but its first call imports pandas where that is installed: a third of a second and 50 MB in each
process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

_NUMBERS = {
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.float32(): np.float32,
    pa.float64(): np.float64,
}


def table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """One row per dict; a name it lacks is null."""
    columns = [column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Strings, bytes, booleans, numbers, lists and structs (dicts) of these, None where a value is missing."""
    count = len(values)
    known = _bits([value is not None for value in values])
    if pa.types.is_struct(kind):
        fields = [column([(value or {}).get(field.name) for value in values], field.type) for field in kind]
        return pa.Array.from_buffers(kind, count, [known], children=fields)
    if pa.types.is_list(kind):
        inner = column([one for value in values for one in value or ()], kind.value_type)
        return pa.Array.from_buffers(kind, count, [known, _offsets(values, np.int32)], children=[inner])
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, count, [known, _bits(values)])
    if kind in _NUMBERS:
        numbers = np.array([0 if value is None else value for value in values], _NUMBERS[kind])
        return pa.Array.from_buffers(kind, count, [known, pa.py_buffer(numbers)])
    data = [value.encode() if isinstance(value, str) else value or b"" for value in values]
    offsets = _offsets(data, np.int64 if pa.types.is_large_binary(kind) else np.int32)
    return pa.Array.from_buffers(kind, count, [known, offsets, pa.py_buffer(b"".join(data))])


def _bits(values: Sequence[Any]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(values, np.bool_), bitorder="little"))


def _offsets(values: Sequence[Any], kind: Any) -> pa.Buffer:
    """Where each value begins in all of them laid together, and where the last one ends."""
    offsets = np.zeros(len(values) + 1, kind)
    np.cumsum([len(value or ()) for value in values], out=offsets[1:])
    return pa.py_buffer(offsets)
