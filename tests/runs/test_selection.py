import contextlib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from fwibench.datasets.openfwi.spec import OpenFWIOptions
from fwibench.errors import OptionError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.planning.grammar import parse_selection, parse_settings, read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.specs.dataset_options import FilesOptions, path_fields
from fwibench.specs.options import parse_options, validate_options


def read(owner: str, model: type[BaseModel], texts: dict[str, str], preset: dict[str, Any] | None = None) -> Any:
    """Options from texts, as the command line makes them."""
    return validate_options(owner, model, preset or {}, parse_options(owner, model, texts))


class Options(Frozen):
    alpha: float | Literal["val"] = Field(default=1.0, description="penalty")
    epochs: int = Field(default=3, ge=1)
    name: str = "x"
    kernels: int | None = 5
    on: bool = False
    bands: tuple[float, ...] = ()


def test_names_options_and_grids() -> None:
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
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_selection(text)


@given(st.text(alphabet="ab,[]=| 1", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
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
def test_texts_become_what_the_option_is(name: str, text: str, value: object) -> None:
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
def test_quotes_keep_a_value_together(text: str) -> None:
    options = [read("salt", FilesOptions, item.options) for item in parse_selection(text)]
    assert options == [FilesOptions(**values) for values in QUOTED[text]]


def test_lists_stand_in_brackets() -> None:
    (item,) = parse_selection('m[bands=[3, 6],name="x,y"]')
    options = read("m", Options, item.options)
    assert (options.bands, options.name) == ((3.0, 6.0), "x,y")


def test_quotes_are_read_in_settings_too() -> None:
    texts = parse_settings(['m.name="a,b"'])["m"]
    assert read("m", Options, texts).name == "a,b"


def test_paths_are_expanded_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for model in (FilesOptions, OpenFWIOptions):
        for text, path in (("~/x", tmp_path / "home" / "x"), ("x", tmp_path / "x"), ("/x", Path("/x"))):
            assert read("d", model, {"path": text}).path == path
    assert read("d", OpenFWIOptions, {"path": "a", "test": "~/b"}).test == tmp_path / "home" / "b"
    assert path_fields(OpenFWIOptions) == {"path", "test"}


def test_axes_without_files_mean_nothing() -> None:
    with pytest.raises(OptionError, match=r"options of salt: axes=xz .* path is not given"):
        read("salt", FilesOptions, {"axes": "xz"})


class Part(BaseModel):
    weight: float = 1.0


class Plain(BaseModel):
    """Options as a plugin may write them: nothing keeps NaN out."""

    number: float = 0.0
    several: tuple[float, ...] = ()
    named: dict[str, float] = {}
    part: Part = Part()
    parts: list[Part] = []


@pytest.mark.parametrize("model", [Plain, Options], ids=["a plugin's", "ours"])
@pytest.mark.parametrize("word", ["inf", "Infinity", "-inf", "nan", "NaN", "1e999"])
def test_numbers_that_are_not_finite_are_refused(model: type[BaseModel], word: str) -> None:
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
def test_nor_within_other_values(name: str, text: str) -> None:
    with pytest.raises(OptionError, match=f"option {name} of m .*finite number"):
        read("m", Plain, {name: text})


def test_the_user_comes_before_the_profile() -> None:
    options = read("m", Options, {"epochs": "2"}, {"epochs": 9, "alpha": "val"})
    assert (options.epochs, options.alpha) == (2, "val")


def test_a_wrong_value_says_whose_and_what_is_expected() -> None:
    with pytest.raises(OptionError, match="option epochs of m is .*0.*: input should be greater than or equal to 1"):
        read("m", Options, {"epochs": "0"})
    with pytest.raises(OptionError, match="option alpha of m is 'foo'.*penalty"):
        read("m", Options, {"alpha": "foo"})


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "NaN"])
def test_what_json_cannot_hold_is_no_option(text: str) -> None:
    with pytest.raises(OptionError, match="option alpha of m is"):
        read("m", Options, {"alpha": text})


def test_a_wrong_name_gets_the_closest() -> None:
    with pytest.raises(OptionError) as wrong:
        read("m", Options, {"alhpa": "1"})
    assert "alpha" in wrong.value.hint


def test_settings_say_whose_options_they_are() -> None:
    settings = parse_settings(["m.alpha=1=2", "m.on=true", "n.a=1"])
    assert settings == {"m": {"alpha": "1=2", "on": "true"}, "n": {"a": "1"}}
    with pytest.raises(UsageError, match="names no method"):
        parse_settings(["alpha=1"])


def test_options_are_set_of_selected_methods_and_of_what_these_build_on(registry: Registry) -> None:
    def plan(methods: str, *settings: str) -> list[tuple[str, dict[str, Any]]]:
        request = read_request(registry, methods, "salt", profile="smoke", settings=settings)
        return [(one.cell.method, one.chosen) for one in make_plan(request, registry)]

    base, above = plan("refine", "refine.base=inversionnet", "inversionnet.precision=bf16")
    assert base == ("inversionnet", {"precision": "bf16"})
    assert above == ("refine", {"base": "inversionnet"})
    assert plan("refine[base=pixel-ridge]", "pixel-ridge.alpha=2")[0] == ("pixel-ridge", {"alpha": 2.0})
    for settings in (["inversionnet.precision=bf16"], ["refine.base=pixel-ridge", "invlint.alpha=2"]):
        with pytest.raises(UnknownNameError, match="no selected method"):
            plan("refine", *settings)
