import json
import re
import shlex
import shutil
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from fwibench.boards.rows import Setting
from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.report.page.figures import lighten
from fwibench.report.page.images import COLOURS, MOST, describe_measurement, draw, step_of
from fwibench.report.page.page import SCRIPTS, PageOptions, check_path, render, write_page
from fwibench.report.page.runs import find_environments
from fwibench.report.page.summary import summarise
from fwibench.report.page.tables import make_groups
from fwibench.report.page.viewer import choose, list_panel_sets
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import pack_samples, write_samples
from fwibench.runs.reproduction.command import command_of
from tests.boards.records import leave, read_board
from tests.conftest import Command
from tests.report.page.conftest import EM, HOSTILE, leave_predicted


class Parsed(HTMLParser):
    """Elements by name, each with its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        (self.scripts if self.found and self.found[-1][0] == "script" and data.strip() else self.text).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def parsed(page: Path) -> Parsed:
    return Parsed(page.read_text())


def pixels(uri: str) -> np.ndarray:
    with urlopen(uri) as stream:
        return np.asarray(Image.open(BytesIO(stream.read())))


def test_hostile_texts_are_shown_and_do_nothing(parsed: Parsed) -> None:
    places = [one for one in parsed.all("script") if one.get("type") == "application/json"]
    assert len(parsed.all("script")) == len(places) + len(SCRIPTS)
    assert not [one for one in parsed.all("img") if not str(one.get("src")).startswith("data:")]
    assert not [name for _, one in parsed.found for name in one if name.startswith("on")]
    text = " ".join(parsed.text)
    for hostile in (*HOSTILE.values(), "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>A & B</b>"):
        assert hostile in text
    assert "=cmd()" in text


def test_nothing_is_fetched(page: Path, parsed: Parsed) -> None:
    for _, one in parsed.found:
        for name in ("src", "href", "srcset", "action", "data"):
            assert str(one.get(name, "#")).startswith(("data:", "#")), one
    assert not re.search(r"@import|url\((?!data:)", page.read_text())


def test_data_of_the_viewer_are_json(parsed: Parsed) -> None:
    found = [json.loads(script) for script in parsed.scripts if script.startswith("{")]
    assert {(one["dataset"], one["split"], one["profile"]) for one in found} == {
        ("fields", "random", "smoke"),
        ("salt", "random", "smoke"),
        ("salt", "random", "quick"),
        ("salt", "block", "quick"),
    }


def test_the_page_without_scripts_has_all_rows_and_commands(parsed: Parsed, sources: Sources) -> None:
    text = " ".join(parsed.text)
    for record in sources.records:
        assert f"fwibench reproduce {shlex.quote(record.run_id)}" in text
        assert record.reason in text
        assert shlex.join(command_of(record, registry=sources.registry)) in text
    assert "--results DIR" in text
    shown = [one["data-method"] for one in parsed.all("tr") if str(one.get("id", "")).startswith("row-")]
    assert len(shown) > len(sources.board.rows), "printed rows too"


def test_panel_sets_hold_truth_predictions_and_errors(sources: Sources, salt: Dataset) -> None:
    found = {(one["dataset"], one["profile"]): one for one in list_panel_sets(sources, 6)}
    place = found["salt", "smoke"]
    test, bounds = salt.split("random", "test"), salt.problem.property
    assert [one["id"] for one in place["samples"]] == list(test.ids)
    assert [one["name"] for one in place["methods"]] == ["helped", "fine", "rough", "worse"]
    assert [one["track"] for one in place["methods"]] == ["oracle-start", *["standard"] * 3]
    sample, truth = place["samples"][0], test.properties[0][0]
    expected = np.clip((truth - bounds.low) * 255 / (bounds.high - bounds.low), 0, 255).round()
    assert np.array_equal(pixels(sample["truth"]), expected)
    fine = sample["predictions"][1]
    record = next(one for one in sources.records if one.run_id == place["methods"][1]["run"])
    predictions, scores = sources.predictions(record), sources.results.scores(record)
    assert predictions is not None
    assert fine["score"] == pytest.approx(scores.values["mae"][0])
    error, limit = predictions.maps[0, 0] - truth, float(place["limit"])
    unclipped = np.abs(error) < 0.99 * limit
    drawn = (pixels(fine["error"]) / 127.5 - 1) * limit
    assert np.allclose(drawn[unclipped], error[unclipped], atol=limit / 100)
    assert "not on this machine" in found["salt", "quick"]["missing"]


def test_panel_sets_hold_deviations_of_methods_with_samples(tmp_path: Path, salt: Dataset, registry: Registry) -> None:
    results = Results(tmp_path)
    leave_predicted(tmp_path, salt, "plain", 300)
    record = leave_predicted(tmp_path, salt, "sampled", 100)
    maps = read_predictions(results.folder(record.cell)).maps
    size = np.linspace(0, 90, maps[0].size, dtype=np.float32).reshape(maps[0].shape)
    samples = np.stack([maps - size, maps + size])
    write_samples(pack_samples([samples], maps, salt.problem.property), len(maps), results.folder(record.cell))
    (place,) = list_panel_sets(Sources(results, results.records()[0], registry), 6)
    sampled, plain = place["samples"][0]["predictions"]
    assert plain["deviation"] is None
    limit = float(place["deviation_limit"])
    assert limit == pytest.approx(np.quantile(size, 0.99), rel=0.01)
    drawn, below = pixels(sampled["deviation"]) / 255 * limit, size[0] < 0.98 * limit
    np.testing.assert_allclose(drawn[below], size[0][below], atol=limit / 100)
    (other,) = list_panel_sets(Sources(results, [one for one in results.records()[0] if one != record], registry), 6)
    assert other["deviation_limit"] is None


def test_a_method_is_shown_once_and_the_best_is_chosen_on_shared_samples(
    tmp_path: Path, salt: Dataset, registry: Registry
) -> None:
    """The steady one is better on the two samples that both have, and worse in the mean over its own."""
    sizes = np.array([10.0, 10.0] + [100.0] * (len(salt.split("random", "test")) - 2)).reshape(-1, 1, 1, 1)
    leave_predicted(tmp_path, salt, "steady", sizes)
    leave_predicted(tmp_path, salt, "steady", sizes[:2], test_samples=2)
    leave_predicted(tmp_path, salt, "lucky", 20.0, test_samples=2)
    leave_predicted(tmp_path, salt, "helped", 5.0, test_samples=2, track="oracle-start")
    twin = leave_predicted(tmp_path, salt, "twin", 30.0)
    folder = Results(tmp_path).folder(twin.cell)
    cell = Cell(**{**twin.cell.model_dump(), "method_version": "2"})
    shutil.copytree(folder, Results(tmp_path).folder(cell))
    write_record(twin.model_copy(update={"cell": cell}), RunFiles(Results(tmp_path).folder(cell)).record)
    results = Results(tmp_path)
    (place,) = list_panel_sets(Sources(results, results.records()[0], registry), 6)
    twins = {f"twin ({one.key[:8]})" for one in (twin.cell, cell)}
    names = [one["name"] for one in place["methods"]]
    assert (names[:3], set(names[3:])) == (["helped", "steady", "lucky"], twins)
    assert place["tracks"] == ["oracle-start", "standard"]
    (worst,) = (one for one in place["samples"] if one["note"])
    assert worst["note"] == "the largest error of steady"


def test_the_worst_sample_of_the_best_method_is_shown(tmp_path: Path) -> None:
    errors = np.ones(40)
    errors[17] = 9
    for number in range(2):
        leave(tmp_path, f"m{number}", errors + number)
    best, other = read_board(tmp_path).lines
    assert best.samples is not None
    assert other.samples is not None
    chosen, worst = choose([best.samples.ids, other.samples.ids[:30]], best, 6)
    assert worst == "s-017"
    assert chosen == ["s-000", "s-006", "s-012", "s-017", "s-023", "s-029"]
    assert choose([best.samples.ids], best, 1) == (["s-017"], "s-017")
    assert choose([("s-017", "s-002")], best, 6)[0] == ["s-017", "s-002"]


def test_long_maps_are_thinned_and_gathers_averaged(salt: Dataset) -> None:
    assert [step_of(shape) for shape in ((70, 70), (MOST, 3), (401, 141), (351, 601))] == [1, 1, 2, 3]
    ramp = np.linspace(0, 1, 256)[None]
    assert np.array_equal(pixels(draw(ramp, 0, 1, COLOURS))[0], np.arange(256))
    assert pixels(draw(np.array([[-9.0, np.nan, 9.0]]), -1, 1, COLOURS)).tolist() == [[0, 0, 255]]
    measurement = np.zeros(salt.problem.measurement_shape, np.float32)
    measurement[2] = np.resize([1, -0.5, -0.5], measurement.shape[1])[:, None]
    measurement[2, :3] = 5
    found = describe_measurement(measurement, salt.problem)
    assert (found["kind"], found["source"], found["sources"]) == ("gather", 3, 5)
    image = pixels(found["image"])
    assert image.shape == (200, 60)
    assert (image[0] == 255).all()
    assert len(np.unique(image[1:])) == 1, "what swings averages out"


def test_fields_are_magnitudes_by_frequency() -> None:
    field = np.zeros(EM.measurement_shape, np.float32)
    field[0, 0], field[0, 1] = 3, 4
    found = describe_measurement(field, EM)
    assert found["values"][0] == [pytest.approx(np.log10(5), abs=1e-3)] * len(found["x"])
    assert found["values"][1] == [None] * len(found["x"])


def test_tables_mark_ties_and_the_best(tmp_path: Path) -> None:
    errors = np.random.default_rng(0).lognormal(3, 0.3, 20)
    for method, more in (("a", 0.0), ("b", 50.0)):
        leave(tmp_path, method, errors + more)
    leave(tmp_path, "c", errors[::-1] + 0.01)
    leave(tmp_path, "d", None, n_test=20)
    (group,) = make_groups(read_board(tmp_path).rows)
    keys = [head.column.key for head in group.heads]
    rows = {shown.row.label: dict(zip(keys, shown.entries, strict=True)) for shown in group.rows}
    assert {name: shown.row.tied for name, shown in zip(rows, group.rows, strict=True)} == {
        "a": True,
        "c": True,
        "b": False,
        "d": False,
    }
    assert [name for name, row in rows.items() if row["mae"].best] == ["a"]
    assert [name for name, row in rows.items() if row["ssim"].best] == [
        max("abc", key=lambda name: rows[name]["ssim"].value)
    ]
    assert [head.text for head in group.heads][2] == "MAE [m/s]"
    assert rows["d"]["mae"].text == ""
    low, high, mean = group.rows[0].bar or (0, 0, 0)
    assert 0 < low < mean < high < 100
    (best,) = summarise([group])
    assert (best.name, best.tied, best.methods, best.too_few) == ("a", ["c"], 3, False)


@pytest.mark.parametrize("ranked", [True, False])
def test_too_few_samples_have_no_best_method(tmp_path: Path, ranked: bool) -> None:
    """Five pairs have no p-value below 1 in 16, six have one below 1 in 20; the board's ranks do not count."""
    for n in (5, 6):
        leave(tmp_path, "a", np.arange(n) + 1.0, test_samples=n)
        leave(tmp_path, "b", np.arange(n) + 2.0, test_samples=n)
    rows = [row if ranked else row.changed(rank=None) for row in read_board(tmp_path).rows]
    five, six = summarise(make_groups(rows))
    assert (five.n_test, five.too_few, five.name, five.tied) == (5, True, "", [])
    assert (six.n_test, six.too_few, six.name) == (6, False, "a" if ranked else "")


def test_the_summary_reports_too_few_samples(tmp_path: Path, registry: Registry) -> None:
    for method in "ab":
        leave(tmp_path, method, [1.0, 2.0, 3.0])
    results = Results(tmp_path)
    text = render(Sources(results, results.records()[0], registry), PageOptions(max_samples=0))
    assert "3 test samples are too few for a significant difference between 2 methods" in text
    assert "indistinguishable:" not in text


def test_heavy_maps_keep_even_steps_of_their_colours() -> None:
    """A bar of 244 steps beside much of another colour, which an adaptive palette would spend its colours on."""
    bar = np.repeat(np.linspace(0, 1, 244)[:, None], 9, 1)
    noise = np.random.default_rng(0).uniform(0, 1, (244, 4000))
    stream = BytesIO()
    pixels = np.concatenate([colormaps["magma_r"](bar), colormaps["cividis"](noise)], axis=1)
    Image.fromarray((pixels[:, :, :3] * 255).astype(np.uint8)).save(stream, "PNG")
    light = np.asarray(Image.open(BytesIO(lighten(stream.getvalue(), maps=True))).convert("RGB"))
    assert len(np.unique(light[:, 4], axis=0)) > 80
    exact = pixels[:, 4, :3] * 255
    assert np.abs(light[:, 4] - exact).mean() < 3


def test_published_rows_have_no_rank_and_are_never_the_best(page: Path) -> None:
    tables = re.findall(r'<div class="group published".*?</table>', page.read_text(), re.DOTALL)
    assert tables
    for table in tables:
        assert 'data-column="rank"' not in table
        assert "best" not in re.findall(r'class="([^"]*)"', table)
        assert "not ranked" in table


def test_environments_differ_by_machine_not_by_code(sources: Sources) -> None:
    (one,) = find_environments(sources.records)
    assert one.title == "<i>a processor</i>"
    assert sum(one.code.values()) == len(one.runs)
    assert list(one.code) == ["commit 0123456789ab, with changes"]
    assert ("torch", "") not in one.facts


def test_a_figure_that_fails_does_not_affect_the_others(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    from fwibench.report.figures import drawing

    def fail() -> None:
        raise ValueError("no ink")

    broken = drawing.Drawing("broken", "costs", "Broken", "nothing", Setting("salt", "", "", "", ""), fail)  # type: ignore[arg-type]
    monkeypatch.setattr("fwibench.report.page.figures.list_drawings", lambda *_: [broken])
    text = render(sources, PageOptions(max_samples=0))
    assert "figure broken cannot be drawn: ValueError: no ink" in text
    assert "<h2" in text


def test_invalid_paths_of_pages_raise(tmp_path: Path, sources: Sources) -> None:
    with pytest.raises(UsageError, match=r"ends in '.pdf', expected .html"):
        check_path(tmp_path / "report.pdf")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_path(tmp_path / "folder.html")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_page(sources, tmp_path / "file" / "report.html", PageOptions(max_samples=0))


@pytest.mark.slow
def test_the_command(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    root = tmp_path / "results"
    record = leave_predicted(root, salt, "fine", 10.0)
    leave(root, "other", [1, 2], dataset="marmousi")
    (root / "runs" / "cut").mkdir()
    RunFiles(root / "runs" / "cut").record.write_text("{")
    done = fwibench("report", "--title", "Ours", "--dataset", "salt")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"report\.html: 1 runs, 1 rows, [\d.]+ MB\n", done.stdout)
    assert "left out: " in done.stderr
    text = (tmp_path / "report.html").read_text()
    assert "<h1>Ours</h1>" in text
    assert "cut/record.json cannot be read" in text
    assert record.run_id in text
    assert "marmousi" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results"]
    assert read_record(RunFiles(root / "runs" / record.run_id).record) == record

    assert fwibench("report", "--max-samples", "0", "-o", "small.html").returncode == 0
    small = (tmp_path / "small.html").read_text()
    assert 'type="application/json"' not in small
    assert "panels" not in small


WRONG = {
    "a suffix": (["-o", "report.pdf"], 2, "expected .html"),
    "a folder": (["--results", "nowhere"], 1, "there is no folder nowhere"),
    "no records": (["--results", "."], 1, "there are no records in ."),
    "a dataset": (["--dataset", "slat"], 2, "did you mean salt"),
}


@pytest.mark.parametrize(("arguments", "code", "help_"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_give_an_error_and_a_hint(
    arguments: list[str], code: int, help_: str, fwibench: Command, tmp_path: Path
) -> None:
    leave(tmp_path / "results", "a", [1, 2])
    done = fwibench("report", *arguments)
    assert done.returncode == code, done.stderr
    assert help_ in " ".join(done.stderr.split())
    assert not list(tmp_path.glob("report*"))
