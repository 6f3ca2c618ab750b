import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fwibench.boards.columns import columns_of
from fwibench.boards.export import check_formats, export
from fwibench.boards.published import with_published
from fwibench.boards.rows import Row
from fwibench.boards.tables import make_tables
from fwibench.errors import PluginError, UsageError
from fwibench.methods.complexity import Complexity
from fwibench.plugins.registry import Registry, load_registry
from fwibench.report.page.tables import make_groups
from tests.boards.records import leave, read_board

HOSTILE = {"text": "<script>alert(1)</script>", "file": "../../x", "tex": r"\input{/etc/passwd}_$%&#^~|[`*"}


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Three good methods, one of hostile options, and one that failed."""
    errors = np.random.default_rng(0).lognormal(3, 0.2, 20)
    for number, method in enumerate(("a", "b")):
        leave(tmp_path, method, errors + number, n_train=100)
    leave(tmp_path, "hostile", errors + 9, chosen=HOSTILE, plugin='=cmd|"/c calc"!A1')
    leave(tmp_path, "broken", None, plugin="@SUM(A1)", n_test=20)
    found = read_board(tmp_path).rows
    assert {row.unit for row in found} == {"m/s"}
    return found


def written(rows: list[Row], path: Path, registry: Registry) -> str:
    export(rows, path, registry)
    return path.read_text()


def test_csv_keeps_every_value_and_empties(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    found = list(csv.DictReader(io.StringIO(written(rows, tmp_path / "t.csv", registry))))
    assert list(found[0]) == list(rows[0])
    for row, read in zip(rows, found, strict=True):
        for name, value in row.items():
            if name == "plugin":
                continue
            assert read[name] == ("" if value is None else str(value)), name
    assert found[-1]["mae"] == ""
    assert found[-1]["status"] == "failed"


def test_csv_has_no_formulas(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    rows[0] = rows[0].changed(options="-2+3", mae=-1.5)
    rows[1] = rows[1].changed(options="+x\n\ty")
    found = list(csv.DictReader(io.StringIO(written(rows, tmp_path / "t.csv", registry), newline="")))
    assert found[2]["plugin"] == '\'=cmd|"/c calc"!A1'
    assert found[3]["plugin"] == "'@SUM(A1)"
    assert (found[0]["options"], found[1]["options"]) == ("'-2+3", "'+x  y"), "a text never starts a row"
    assert found[0]["mae"] == "-1.5", "a number is no formula"


def test_csv_survives_pandas(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    pandas = pytest.importorskip("pandas")
    text = written(rows, tmp_path / "t.csv", registry)
    texts = {column.key: "string" for column in rows[0].columns if column.kind == "text"}
    table = pandas.read_csv(tmp_path / "t.csv", dtype=texts).convert_dtypes()
    for name, column in rows[0].columns.by_key.items():
        values = table[name]
        assert [None if value is pandas.NA else value for value in values.isna()] == [
            row[name] in (None, "") for row in rows
        ], name
        if column.kind == "integer" and values.notna().any():
            assert values.dtype == "Int64", name
    assert table["mae"].dropna().tolist() == [row["mae"] for row in rows if row["mae"] is not None]
    table.to_csv(tmp_path / "again.csv", index=False)
    assert (tmp_path / "again.csv").read_text() == text


def test_json_has_nulls(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    assert json.loads(written(rows, tmp_path / "t.json", registry)) == rows
    assert rows[-1]["mae"] is None


def test_parquet_has_types(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(rows, tmp_path / "t.parquet", registry)
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.to_pylist() == rows
    assert {str(table.schema.field(name).type) for name in ("n_train", "flops")} == {"int64"}


def test_parquet_without_pyarrow_says_what_to_install(
    rows: list[Row], tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"\.parquet files need pyarrow, which is not installed") as error:
        check_formats([tmp_path / "t.parquet"], registry)
    assert "pip install 'fwibench[parquet]'" in error.value.hint


class Cells(HTMLParser):
    """Collects the texts of a page's cells, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data.strip("\n")


def test_html_shows_every_text_and_no_formula(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    page = Cells()
    page.feed(written(rows, tmp_path / "t.html", registry))
    assert "script" not in page.tags
    shown = {'=cmd|"/c calc"!A1': '\'=cmd|"/c calc"!A1', "@SUM(A1)": "'@SUM(A1)"}
    expected = ["" if value is None else shown.get(value, str(value)) for row in rows for value in row.values()]
    assert page.texts == [*rows[0], *expected]


def test_markdown_has_a_table_a_group(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    rows.append(rows[0].changed(split="block"))
    text = written(rows, tmp_path / "t.md", registry)
    assert text.count("\n| ---: | --- |") == 2
    assert "| 1 | a |" in text
    assert r"MAE \[m/s\]" in text
    assert "<script>" not in text
    (line,) = (line for line in text.splitlines() if "hostile" in line)
    header = next(line for line in text.splitlines() if line.startswith("| rank"))
    assert len(re.findall(r"(?<!\\)\|", line)) == header.count("|")


def test_latex_is_escaped_and_uses_booktabs(rows: list[Row], tmp_path: Path, registry: Registry) -> None:
    text = written(rows, tmp_path / "t.tex", registry)
    for word in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{rl", "MAE {[}m/s]"):
        assert word in text
    (line,) = (line for line in text.splitlines() if "hostile" in line)
    assert r"tex=\textbackslash{}input\{/etc/passwd\}\_\$\%\&\#\textasciicircum{}\textasciitilde{}\textbar{}{[}" in line
    assert r"\textless{}script\textgreater{}" in line
    header = next(line for line in text.splitlines() if "rank &" in line)
    assert line.count(" & ") == header.count(" & ")


def test_an_unknown_format_raises_with_the_known_ones(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(UsageError, match="there is no format '.xls'") as error:
        check_formats([tmp_path / "rows.xls"], registry)
    assert error.value.hint == "formats are .csv, .json, .parquet, .html, .md, .tex"


EXPORTERS = """
from fwibench import ExporterSpec, hookimpl

def listed(rows, units):
    print("not on standard output")
    return "\\n".join(f"{row['method']} {row['mae']} {units[row['dataset']]}" for row in rows)

def boom(rows, units):
    raise RuntimeError("no ink")

def wrong(rows, units):
    return rows

@hookimpl
def fwibench_exporters():
    for name, suffix in (("listed", ".lst"), ("boom", ".boom"), ("wrong", ".wrong"), ("mine", ".csv"), ("csv", ".c")):
        yield ExporterSpec(name=name, suffix=suffix, summary="s", target=f"MODULE:{name}", api="1.1")
"""


def test_exporters_are_plugins_and_a_broken_one_is_named(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    module = f"exporters_{abs(hash(str(tmp_path)))}"
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / f"{module}.py").write_text(EXPORTERS.replace("MODULE", module))
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(folder))
    monkeypatch.setattr(sys, "path", [*sys.path])
    own = load_registry()
    assert written(rows, tmp_path / "t.lst", own).splitlines()[0] == f"a {rows[0]['mae']} m/s"
    assert "not on standard output" not in capfd.readouterr().out
    for suffix, message in ((".boom", "RuntimeError: no ink"), (".wrong", "returned list, expected str or bytes")):
        with pytest.raises(PluginError, match=message):
            export(rows, tmp_path / f"t{suffix}", own)
        assert not (tmp_path / f"t{suffix}").exists()
    (broken,) = own.broken
    reasons = [fault.reason for fault in broken.faults]
    assert "'mine' of" in reasons[0]
    assert "writes .csv files, but 'csv' of fwibench (builtin) does already" in reasons[0]
    assert "but fwibench (builtin) has that name already" in reasons[1]
    assert own.exporters["csv"].plugin.name == "builtin"


def test_published_rows_follow_ours_and_have_no_rank(rows: list[Row], registry: Registry) -> None:
    found = with_published(rows, registry)
    printed = found[len(rows) :]
    assert found[: len(rows)] == rows
    table = {entry.source for offer in registry.methods.values() for entry in offer.spec.published}
    assert {row["source"] for row in printed} <= {f"published: {source}" for source in table}
    assert {row["status"] for row in printed} == {"published"}
    assert {row["dataset"] for row in printed} == {"salt"}
    assert all(row["rank"] is None and row["n_test"] is None for row in printed)
    assert {row["mae"] for row in printed if row["method"] == "invlint"} == {24.6, 26.1}, "table 1, and section 4.5"


def test_published_multiply_adds_stand_in_the_column_of_ours(tmp_path: Path, registry: Registry) -> None:
    errors = np.random.default_rng(0).lognormal(3, 0.2, 20)
    leave(tmp_path, "invlint", errors, complexity=Complexity(macs=5_460_000, flops=10_920_000, flops_kind="counted"))
    ours = read_board(tmp_path, columns=columns_of(registry)).rows
    assert "MACs" not in make_tables(ours)[0].header
    rows = with_published(ours, registry)
    (found,) = (row for row in rows if row["method"] == "invlint" and row["source"] == "published: InvLINT, table 1")
    assert (found["macs"], found["flops"]) == (5_980_000, None)
    first, *published = make_tables(rows)
    for tables, text in (([first], "5.46M"), (published, "5.98M")):
        assert text in [row[table.header.index("MACs")] for table in tables for row in table.rows]
    groups = make_groups(rows)
    assert all(not head.more for group in groups for head in group.heads if head.column.key == "macs")
    assert any(head.column.key == "macs" for head in groups[0].heads)
    (alone,) = make_groups(ours)
    assert [head.more for head in alone.heads if head.column.key == "macs"] == [True]
