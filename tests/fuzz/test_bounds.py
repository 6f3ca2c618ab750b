"""Limits of size: archives that unpack to gigabytes, texts of megabytes, plans of millions of cells."""

import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.boards.exporters.data import inert
from fwibench.cli.console import output
from fwibench.errors import DataError, DivergedError, MethodError, RecordError, UsageError
from fwibench.files.npy import open_npy, read_npz
from fwibench.methods.base import check_prediction
from fwibench.methods.checkpoints import Checkpoints
from fwibench.methods.traces import Course, checkpoint_path
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.scores import Scores, read_scores, write_scores
from fwibench.runs.planning.grammar import parse_selection, read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.text.readable import LONGEST, shorten, storable
from tests.boards.records import leave
from tests.fuzz.harness import call
from tests.fuzz.mutations import header

MOST_MEMORY = 32 * 2**20


def bomb(path: Path, shape: tuple[int, ...], kind: str = "<f4") -> Path:
    """An archive of zeros that unpack to the shape: about a thousandth of it on disk."""
    chunk = bytes(2**20)
    size = int(np.prod(shape, dtype=object)) * np.dtype(kind).itemsize
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("ids.npy", "w") as stream:
            np.lib.format.write_array(stream, np.array([f"s-{i}" for i in range(shape[0])]))
        with archive.open("prediction.npy", "w", force_zip64=True) as stream:
            stream.write(header(shape, kind))
            for _ in range(size // len(chunk)):
                stream.write(chunk)
            stream.write(bytes(size % len(chunk)))
    return path


def test_zip_bomb_raises_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb(tmp_path / "predictions.npz", (3, 1, 8_000, 4_000))
    assert (tmp_path / "predictions.npz").stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="would unpack to 384"):
            read_predictions(tmp_path)
        with pytest.raises(DataError):
            read_predictions(tmp_path, shape=(1, 40, 60))
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_predictions_of_wrong_shape_raise_after_reading_the_header(tmp_path: Path) -> None:
    bomb(tmp_path / "predictions.npz", (3, 1, 400, 600))
    with pytest.raises(DataError, match=r"shape \(3, 1, 400, 600\), expected \(3, 1, 40, 60\)"):
        read_predictions(tmp_path, shape=(1, 40, 60))
    with pytest.raises(DataError, match="3 samples that are not the 2 test samples"):
        read_predictions(tmp_path, expected=("a", "b"))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((2**40,), "<f4"), ((2**62, 2**62), "<f4"), ((10**6, 10**6, 10**6), "<f8"), ((-1, 4), "<f4"), ((3,), "|O")],
)
def test_header_larger_than_the_file_raises(shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(header(shape, kind) + bytes(100))
    with pytest.raises(ValueError, match=r"the file has 100|there is no array|Python objects"):
        open_npy(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", header(shape, kind) + bytes(100))
    with pytest.raises(ValueError, match=r"it has 100|there is no array|Python objects"):
        read_npz(tmp_path / "a.npz")


def test_whole_arrays_are_read(tmp_path: Path) -> None:
    maps = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for order in (maps, maps.T, np.asfortranarray(maps), maps[:0], maps.astype(">f8")):
        np.save(tmp_path / "a.npy", order)
        np.savez_compressed(tmp_path / "a.npz", a=order)
        assert np.array_equal(open_npy(tmp_path / "a.npy"), order)
        assert np.array_equal(read_npz(tmp_path / "a.npz", ["a"])["a"], order)


@pytest.mark.parametrize(
    ("found", "error", "what"),
    [
        (np.ones((2, 1, 3, 4), complex), MethodError, "returned complex128, expected real numbers"),
        (np.full((2, 1, 3, 4), "a"), MethodError, "returned <U1, expected real numbers"),
        (np.ones((2, 1, 3, 4), bool), MethodError, "returned bool, expected real numbers"),
        (np.ones((2, 1, 3, 4), "M8[s]"), MethodError, r"returned datetime64\[s\], expected real numbers"),
        (np.ones((2, 1, 3, 4), "m8[s]"), MethodError, r"returned timedelta64\[s\], expected real numbers"),
        (np.ones((2, 1, 3, 4), object), MethodError, "returned object, expected real numbers"),
        (np.ma.ones((2, 1, 3, 4)), MethodError, "returned MaskedArray, expected a numpy array"),
        ([[1.0]], MethodError, "returned list, expected a numpy array"),
        (np.ones((2, 3, 4)), MethodError, r"returned shape \(2, 3, 4\)"),
        (np.full((2, 1, 3, 4), np.nan), DivergedError, "not finite in 2 of 2 samples"),
        (np.full((2, 1, 3, 4), 1e300), DivergedError, "not finite in 2 of 2 samples"),
    ],
)
def test_invalid_prediction_raises(found: Any, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        check_prediction(found, (2, 1, 3, 4))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f8", "i4", "u1"])
def test_prediction_of_real_numbers_becomes_float32(kind: str) -> None:
    maps = check_prediction(np.full((2, 1, 3, 4), 7, kind), (2, 1, 3, 4))
    assert maps.dtype == np.float32
    assert (maps == 7).all()


def test_long_texts_are_shortened_in_records_and_output(tmp_path: Path) -> None:
    text = "first " + "x" * 50_000_000 + " last"
    assert len(shorten(text)) < LONGEST + 100
    assert shorten(text).startswith("first ")
    assert shorten(text).endswith(" last")
    assert shorten("short") == "short"
    assert storable("a\udcffb") == "a\\udcffb"
    record = leave(tmp_path, "mean-map", None).model_copy(update={"reason": text, "notes": [text, "a\udcff"] * 80})
    path = tmp_path / "runs" / record.run_id / "record.json"
    write_record(record, path)
    assert path.stat().st_size < 10**6
    # a record of somebody else may still hold it
    path.write_text(path.read_text().replace('"reason": "first', f'"reason": "{"y" * 5_000_000}first'))
    assert len(read_record(path).reason) < LONGEST + 100
    done = call(["status", "--results", str(tmp_path)], tmp_path)
    assert done.code == 0
    assert len(done.out) < 20_000


def test_plan_above_the_limit_raises_before_it_is_made(registry: Registry, tmp_path: Path) -> None:
    values = "|".join(map(str, range(59)))
    grid = (
        "invlint["
        + ",".join(f"{name}={values}" for name in ("alpha", "epochs", "layers", "embedding", "kernels"))
        + "]"
    )
    with pytest.raises(UsageError, match="the grid of invlint has 714924299 cells, more than 1000") as refused:
        parse_selection(grid)
    assert refused.value.hint.startswith("--max-cells 714924299 ")
    request = read_request(registry, "invlint,mean-map", "salt", seeds=100_000, results=tmp_path, profile="smoke")
    with pytest.raises(UsageError, match="the request has 100001 cells"):
        make_plan(request, registry)
    agreed = read_request(
        registry, "invlint,mean-map", "salt", seeds=1_200, results=tmp_path, profile="smoke", max_cells=1_201
    )
    assert len(make_plan(agreed, registry)) == 1_201


HOSTILE = ("=1+1", "+1", "-1", "@x", "\r=cmd", "\n=cmd", "\t=cmd", " =cmd", "a\r\n=cmd", "\x1b[31m=x")


@pytest.mark.parametrize("text", HOSTILE)
def test_exports_escape_formulas_and_line_breaks(text: str, tmp_path: Path) -> None:
    cell = inert(text)
    assert cell.isprintable()
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    leave(tmp_path, "good", [1.0] * 9)
    leave(tmp_path, "hostile", [2.0] * 9, plugin=text, source=text, device=text)
    exports = [f"t{suffix}" for suffix in (".csv", ".md", ".tex", ".html", ".json", ".parquet")]
    words = [word for name in exports for word in ("--export", name)]
    done = call(["leaderboard", "--results", str(tmp_path), *words], tmp_path)
    assert done.code == 0, done
    assert "\x1b" not in done.out + done.err
    # not in universal mode, which would hide a carriage return
    table = (tmp_path / "t.csv").read_bytes()
    assert table.count(b"\n") == 3
    assert b"\r" not in table
    for name in exports[:4]:
        assert b"\x1b" not in (tmp_path / name).read_bytes()


SPOILT = {
    "packages": (("environment", "packages"), None, "environment.packages: "),
    "git": (("environment", "git"), "x", "environment.git: "),
    "infinite time": (("costs", "fit_s"), float("inf"), "costs.fit_s: Input should be a finite number"),
    "negative time": (("costs", "fit_s"), -1, "costs.fit_s: Input should be greater than or equal to 0"),
    "score": (("scores", "mae"), float("nan"), "scores.mae: Input should be a finite number"),
    "samples": (("n_test",), -3, "n_test: Input should be greater than or equal to 0"),
    "huge": (("complexity", "parameters"), 10**30, "complexity.parameters: Input should be less"),
    "option": (("cell", "options", "alpha"), float("inf"), "cell.options holds inf, expected finite numbers"),
    "long name": (("cell", "method"), "m" * 300, "a run whose name has 3"),
    "path": (("cell", "split"), "../x", "its names make the run"),
    "deep": (("chosen", "x"), [[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]], "nested more than 20 levels"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_damaged_record_is_reported_in_one_line(name: str, tmp_path: Path) -> None:
    keys, value, what = SPOILT[name]
    good, bad = leave(tmp_path, "good", [1.0] * 9), leave(tmp_path, "bad", [2.0] * 9)
    path = tmp_path / "runs" / bad.run_id / "record.json"
    content = json.loads(path.read_text())
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="cannot be read as a record") as refused:
        read_record(path)
    assert what in refused.value.message
    done = call(["leaderboard", "--results", str(tmp_path), "--json"], tmp_path)
    assert [row["method"] for row in json.loads(done.out)] == [good.cell.method]
    assert len([line for line in done.err.splitlines() if "cannot be read as a record" in line]) == 1


def test_split_name_with_a_blank_is_quoted(
    fresh_folder: Callable[[], Path], finished: tuple[Path, list[Record]]
) -> None:
    here = fresh_folder()
    for one in finished[1][:2]:
        record = one.model_copy(update={"cell": one.cell.model_copy(update={"split": "by well"})})
        folder = here / "results" / "runs" / record.run_id
        (here / "results" / "runs" / one.run_id).rename(folder)
        write_record(record, folder / "record.json")
    done = call(["report", "-o", "page.html", "--max-samples", "0"], here)
    assert not done.fault, done.fault
    assert done.code == 0
    assert "fwibench reproduce &#39;" in (here / "page.html").read_text()
    rows = json.loads(call(["leaderboard", "--json"], here).out)
    assert {row["split"] for row in rows} == {"by well", "random"}
    assert any("by%20well" in row["run_ids"] for row in rows)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"junk" * 100])
def test_damaged_checkpoint_is_ignored(content: bytes, tmp_path: Path) -> None:
    def course() -> Course:
        start = np.ones((2, 1, 3, 4), np.float32)
        return Course(start, checkpoint_path(tmp_path, start, start, "x"), None, lambda: False)

    first = course()
    first.step("5 Hz", 1, np.array([0.5, 0.25]))
    first.finish("5 Hz", np.zeros((2, 1, 3, 4)))
    assert course().finished == ["start", "5 Hz"]
    (path,) = tmp_path.glob("inversion-*.npz")
    path.write_bytes(content)
    assert course().finished == ["start"]
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert Checkpoints(tmp_path / "checkpoint.pt").load() is None


def test_mean_of_overflowing_scores_is_none(tmp_path: Path) -> None:
    scores = Scores(("a", "b"), {"mae": np.array([1.0, np.inf]), "x": np.array([1e308, 1e308]), "y": np.ones(2)})
    assert scores.pooled() == {"mae": None, "x": None, "y": 1.0}
    write_scores(scores, tmp_path)
    assert np.isnan(read_scores(tmp_path).values["mae"]).tolist() == [False, True]
    (tmp_path / "scores.csv").write_text("id,mae\na,1e308\n")
    with pytest.raises(RecordError, match="mae has scores beyond"):
        read_scores(tmp_path)


SURVEY = """
[grid]
spacing = 10.0
nz = 40
nx = 60
[time]
dt = 0.0016666666666666668
[sources]
x = "0:590:5"
[receivers]
x = "0:590:60"
[wavelet]
frequency = 12.0
[property]
low = 1500.0
high = 4500.0
"""


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4", "<f2"])
def test_nan_of_every_type_is_reported_without_a_numpy_warning(kind: str, fresh_folder: Callable[[], Path]) -> None:
    """A signalling NaN warns in casts, comparisons and reductions that a quiet one passes in silence."""
    here = fresh_folder()
    signalling = {"f4": 0x7FA00000, "f8": 0x7FF4000000000000, "f2": 0x7D00}[kind[1:]]
    for name in ("u.npy", "vp.npy"):
        values = np.load(here / "u.npy").astype(kind) if name == "u.npy" else np.full((3, 40, 60), 2000, kind)
        bits = values.view(f"{kind[0]}u{kind[2]}")
        bits[1, ..., 7] = signalling
        np.save(here / name, values)
        assert np.isnan(np.load(here / name)).any()
    (run,) = (path.name for path in (here / "results" / "runs").glob("*-mean-map-*"))
    (here / "survey.toml").write_text(SURVEY)
    for words in (
        ["predict", run, "u.npy", "-o", "maps.npy"],
        ["invert", "u.npy", "--survey", "survey.toml", "-o", "model.npy"],
        ["data", "add", "own", "--measurements", "u.npy", "--properties", "vp.npy", "--survey", "survey.toml"],
    ):
        done = call(words, here)
        assert not done.fault, done.fault
        assert done.code in (1, 2), done
        assert "NaN" in done.err, done
    with np.errstate(all="raise"), pytest.raises(DivergedError, match="not finite in 1 of 3"):
        check_prediction(np.load(here / "vp.npy")[:, None], (3, 1, 40, 60))


@pytest.mark.parametrize("terminal", [False, True])
def test_control_characters_in_records_are_not_printed(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "\x1b]0;title\x07\x9b31m\r"
    leave(tmp_path, "good", [1.0] * 9, unit=code, notes=[code], device=code, environment={code: [1, {"a": code}]})
    leave(tmp_path, "bad", None, reason=code, unit=code)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
    output.console.cache_clear()
    output.errors.cache_clear()
    try:
        for words in (["status"], ["show", "good"], ["show", "bad"], ["leaderboard"], ["diff", ".", "."]):
            done = call([*words, *(["--results", "."] if words != ["diff", ".", "."] else [])], tmp_path)
            assert done.code == 0, done
            assert ("\x1b[" in done.out) <= terminal
            for part in ("\x1b]", "\x07", "\x9b", "\r"):
                assert part not in done.out + done.err, words
    finally:
        output.console.cache_clear()
        output.errors.cache_clear()
