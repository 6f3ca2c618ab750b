"""Syntax of methods, datasets, options and settings."""

import contextlib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from fwibench.datasets.openfwi.spec import OpenFWIOptions
from fwibench.errors import OptionError, UsageError
from fwibench.problem import Frozen
from fwibench.runs.planning.grammar import parse_selection, parse_settings
from fwibench.specs.dataset_options import FilesOptions, path_fields
from fwibench.specs.options import parse_options, validate_options


def read(owner: str, model: type[BaseModel], texts: dict[str, str], preset: dict[str, Any] | None = None) -> Any:
    """Return options from texts, as the command line does."""
    return validate_options(owner, model, preset or {}, parse_options(owner, model, texts))


class Options(Frozen):
    alpha: float | Literal["val"] = Field(default=1.0, description="penalty")
    epochs: int = Field(default=3, ge=1)
    name: str = "x"
    kernels: int | None = 5
    on: bool = False
    bands: tuple[float, ...] = ()


def test_selection_with_options_expands_to_grid() -> None:
    chosen = parse_selection("invlint[alpha=1|10, epochs=2|3] , mean-map,invlint[alpha=1,epochs=2]")
    assert [(item.name, item.options) for item in chosen] == [
        ("invlint", {"alpha": "1", "epochs": "2"}),
        ("invlint", {"alpha": "1", "epochs": "3"}),
        ("invlint", {"alpha": "10", "epochs": "2"}),
        ("invlint", {"alpha": "10", "epochs": "3"}),
        ("mean-map", {}),
    ]


@pytest.mark.parametrize(
    "text",
    ["", " ", "a[b=1", "a]b", "a[b]", "a[=1]", "a[b=]", "a b", "[x=1]", "a,,b", "a[b=1,b=2]", "a[b=[1]", "a[b=1]]"],
)
def test_invalid_selection_raises(text: str) -> None:
    with pytest.raises(UsageError):
        parse_selection(text)


@given(st.text(alphabet="ab,[]=| 1", max_size=12))
def test_any_text_parses_or_raises_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_selection(text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("alpha", "10", 10.0),
        ("alpha", "1e-3", 1e-3),
        ("alpha", "val", "val"),
        ("epochs", "7", 7),
        ("name", "7", "7"),
        ("name", "true", "true"),
        ("kernels", "None", None),
        ("kernels", "none", None),
        ("on", "True", True),
        ("bands", "[3, 6]", (3.0, 6.0)),
    ],
)
def test_option_text_is_converted_to_its_type(name: str, text: str, value: object) -> None:
    assert getattr(read("m", Options, {name: text}), name) == value


QUOTED = {
    'salt[path="/a,b/c"]': [{"path": "/a,b/c"}],
    'salt[path="/a|b"|/c]': [{"path": "/a|b"}, {"path": "/c"}],
    'salt[path="/a[1]/b]"]': [{"path": "/a[1]/b]"}],
    'salt[path="/with \\"quotes\\", a"]': [{"path": '/with "quotes", a'}],
    'salt[path=/plain"quote]': [{"path": '/plain"quote'}],
    'salt[path="C:\\data,x"]': [{"path": "C:\\data,x"}],
    "salt[path=/x[1]]": [{"path": "/x[1]"}],
    'salt[path="none"]': [{"path": "none"}],
    'salt[path="/a,b", axes=xz]': [{"path": "/a,b", "axes": "xz"}],
}


@pytest.mark.parametrize("text", QUOTED)
def test_quoted_value_keeps_special_characters(text: str) -> None:
    options = [read("salt", FilesOptions, item.options) for item in parse_selection(text)]
    assert options == [FilesOptions(**values) for values in QUOTED[text]]


def test_list_option_in_brackets_is_parsed() -> None:
    (item,) = parse_selection('m[bands=[3, 6],name="x,y"]')
    options = read("m", Options, item.options)
    assert (options.bands, options.name) == ((3.0, 6.0), "x,y")


def test_quoted_setting_is_parsed() -> None:
    texts = parse_settings(['m.name="a,b"'])["m"]
    assert read("m", Options, texts).name == "a,b"


def test_path_option_is_expanded_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for model in (FilesOptions, OpenFWIOptions):
        for text, path in (("~/x", tmp_path / "home" / "x"), ("x", tmp_path / "x"), ("/x", Path("/x"))):
            assert read("d", model, {"path": text}).path == path
    assert read("d", OpenFWIOptions, {"path": "a", "test": "~/b"}).test == tmp_path / "home" / "b"
    assert path_fields(OpenFWIOptions) == {"path", "test"}


def test_axes_without_path_raise() -> None:
    with pytest.raises(OptionError, match=r"options of salt: axes=xz .* path is not given"):
        read("salt", FilesOptions, {"axes": "xz"})


class Part(BaseModel):
    weight: float = 1.0


class Plain(BaseModel):
    """Options of a plugin, whose model accepts NaN."""

    number: float = 0.0
    several: tuple[float, ...] = ()
    named: dict[str, float] = {}
    part: Part = Part()
    parts: list[Part] = []


@pytest.mark.parametrize("model", [Plain, Options], ids=["a plugin's", "ours"])
@pytest.mark.parametrize("word", ["inf", "Infinity", "-inf", "nan", "NaN", "1e999"])
def test_non_finite_option_raises(model: type[BaseModel], word: str) -> None:
    name = "number" if model is Plain else "alpha"
    with pytest.raises(OptionError, match=f"option {name} of m is .*finite number"):
        read("m", model, {name: word})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("several", "[1, Infinity]"),
        ("named", '{"a": NaN}'),
        ("part", '{"weight": -Infinity}'),
        ("parts", '[{"weight": 1}, {"weight": 1e999}]'),
    ],
)
def test_non_finite_number_inside_option_raises(name: str, text: str) -> None:
    with pytest.raises(OptionError, match=f"option {name} of m .*finite number"):
        read("m", Plain, {name: text})


def test_user_option_overrides_profile() -> None:
    options = read("m", Options, {"epochs": "2"}, {"epochs": 9, "alpha": "val"})
    assert (options.epochs, options.alpha) == (2, "val")


def test_invalid_option_value_names_method_and_expectation() -> None:
    with pytest.raises(OptionError, match="option epochs of m is .*0.*: input should be greater than or equal to 1"):
        read("m", Options, {"epochs": "0"})
    with pytest.raises(OptionError, match="option alpha of m is 'foo'.*penalty"):
        read("m", Options, {"alpha": "foo"})


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "NaN"])
def test_option_that_json_cannot_represent_raises(text: str) -> None:
    with pytest.raises(OptionError, match="option alpha of m is"):
        read("m", Options, {"alpha": text})


def test_unknown_option_suggests_closest_name() -> None:
    with pytest.raises(OptionError) as wrong:
        read("m", Options, {"alhpa": "1"})
    assert "alpha" in wrong.value.hint


def test_setting_without_method_raises() -> None:
    settings = parse_settings(["m.alpha=1=2", "m.on=true", "n.a=1"])
    assert settings == {"m": {"alpha": "1=2", "on": "true"}, "n": {"a": "1"}}
    with pytest.raises(UsageError, match="names no method"):
        parse_settings(["alpha=1"])
