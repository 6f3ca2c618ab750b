"""What the benchmarks share, with a clock that the tests set."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, with a clock that ways advance and a folder of its own for results."""
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("measuring")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "results")
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(module, "now", now, raising=False)
    return module


def way(measuring: ModuleType, *seconds: float, result: Any = None) -> Callable[[], Any]:
    """Work that takes as long as the list says, call after call."""
    left = list(seconds)

    def call() -> Any:
        measuring.now[0] += left.pop(0) if len(left) > 1 else left[0]
        return result

    return call


def written(tmp_path: Path, name: str = "made") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tmp_path / "results" / f"{name}.json").read_text())
    return content


def test_ratios_are_of_the_same_round(measuring: ModuleType, tmp_path: Path) -> None:
    with measuring.Benchmark("made", "question") as bench:
        # the first calls are not timed; the machine is slower in the second round
        ways = {"ours": way(measuring, 9, 1, 10, 1), "other": way(measuring, 9, 3, 20, 4)}
        assert bench.compare("case", ways, rounds=3) == {"other": 3}
    ours, other = written(tmp_path)["cases"]
    assert (ours["way"], ours["ours"], ours["wall_s"], ours["ratios"]) == ("ours", True, [1, 10, 1], [])
    assert (other["ours"], other["ratios"], other["difference"]) == (False, [3, 2, 4], None)


def test_results_that_differ_are_refused_and_nothing_is_written(measuring: ModuleType, tmp_path: Path) -> None:
    ways = {"ours": way(measuring, 1, result=1.0), "other": way(measuring, 1, result=1.2)}
    with measuring.Benchmark("made", "question") as bench:
        bench.compare("case", ways, difference=lambda found, ours: abs(found - ours), at_most=0.21)
    assert written(tmp_path)["cases"][1]["difference"] == pytest.approx(0.2)
    with (
        pytest.raises(AssertionError, match="other differs by 0.2 from ours"),
        measuring.Benchmark("second", "") as bench,
    ):
        bench.compare("case", ways, difference=lambda found, ours: abs(found - ours), at_most=0.19)
    assert not (tmp_path / "results" / "second.json").exists()


def test_growth_is_a_power(measuring: ModuleType, tmp_path: Path) -> None:
    with measuring.Benchmark("made", "question") as bench:
        slope = bench.grow("case", "samples", (10, 20, 40), lambda size: way(measuring, size**1.5))
        bench.note("memory", 12.5, "MB")
    assert slope == pytest.approx(1.5)
    content = written(tmp_path)
    assert content["growth"][0]["sizes"] == [10, 20, 40]
    assert content["values"] == [{"case": "memory", "value": 12.5, "unit": "MB"}]
    assert content["machine"]["cores"] >= 1


def test_slower_is_what_lies_outside_of_the_spread(
    measuring: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    comparing = importlib.import_module("compare")

    def record(folder: str, **ratios: list[float]) -> Path:
        cases = [{"case": name, "way": "loop", "ratios": values} for name, values in ratios.items()]
        path = tmp_path / folder / "made.json"
        path.parent.mkdir()
        path.write_text(json.dumps({"cases": cases}))
        return path.parent

    before = record("before", a=[2.0, 2.5], b=[2.0, 3.0], c=[2.0, 2.1], gone=[1.0])
    after = record("after", a=[1.5, 1.9], b=[1.9, 2.1], c=[2.2, 3.0])
    monkeypatch.setattr("sys.argv", ["compare.py", str(before), str(after)])
    assert comparing.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["slower", "same", "faster", "absent"]
    assert lines[0] == "slower  made: a: loop takes 1.70 times as long as ours, before 2.25"
    monkeypatch.setattr("sys.argv", ["compare.py", str(before), str(before)])
    assert comparing.main() == 0
