"""TOML texts of plain data."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwibench.files.toml import as_toml, is_toml

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
LEAVES = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
INNER = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(TEXTS, LEAVES, max_size=2)
TABLES = st.dictionaries(TEXTS, INNER, max_size=3)
VALUES = LEAVES | TABLES | st.lists(LEAVES | TABLES | st.lists(TABLES, max_size=2), max_size=3)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_written_data_are_read_again(content: dict[str, Any]) -> None:
    assert is_toml(content)
    again = tomllib.loads(as_toml(content))
    assert again == content
    # equal values of different types, such as 1, 1.0 and True
    assert _types(again) == _types(content)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(one) for key, one in value.items()}
    return [_types(one) for one in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), [None], {"a": {"b": None}}, {1: 2}, object()])
def test_what_toml_lacks_is_recognised(value: object) -> None:
    assert not is_toml(value)


def test_tables_have_headers_and_arrays_dotted_keys() -> None:
    content = {"set": {"a": {"x": 1}}, "seeds": 3, "methods": [{"name": "m", "options": {"y z": [1.5, "t"]}}]}
    text = 'seeds = 3\n\n[set.a]\nx = 1\n\n[[methods]]\nname = "m"\noptions."y z" = [1.5, "t"]\n'
    assert as_toml(content) == text
