"""Results of format 1, whose keys hashed every option, are read, planned, merged and rescored like current ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fwibench_hybrid import RefineOptions
from fwibench_invlint import InvLINTOptions
from pydantic import BaseModel, create_model

from fwibench import Frozen
from fwibench.boards.board import make_board
from fwibench.plugins.registry import Offer, Registry, load_registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.folders.merge import merge
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import PlannedCell, make_plan, non_default_options
from fwibench.runs.scoring.rescore import rescore
from fwibench.specs.method import TrainingOptions
from tests.boards.records import builtin_columns
from tests.conftest import Command

STORED = Path(__file__).with_name("format1")


METHODS = "mean-map,invlint[decoder=conv],refine[base=mean-map,iterations=2]"


@pytest.fixture
def former(tmp_path: Path) -> Path:
    shutil.copytree(STORED, tmp_path / "results")
    return tmp_path / "results"


def former_options(now: type[BaseModel], base: type[BaseModel], added: Sequence[str], then: dict[str, Any]) -> Any:
    """Options as an earlier version had them: without later ones, and with other defaults."""
    fields = {
        name: (field.annotation, then.get(name, field.default))
        for name, field in now.model_fields.items()
        if name not in (*base.model_fields, *added)
    }
    return create_model("FormerOptions", __base__=base, **fields)


# sizes did not depend on the map
INVLINT_1 = former_options(
    InvLINTOptions, TrainingOptions, ["kernels_total"], {"embedding": 512, "width": 256, "heads": 8, "mlp": 1024}
)
# all bands were simulated on the grid of the data
REFINE_2 = former_options(RefineOptions, Frozen, ["nodes"], {"shots": 2})


@pytest.fixture
def registry() -> Registry:
    """The plugins, with the versions of InvLINT and refine that the stored results are of."""
    registry = load_registry()
    for name, version, options in (("invlint", "1", INVLINT_1), ("refine", "2", REFINE_2)):
        offer = registry.methods[name]
        spec = offer.spec.model_copy(update={"version": version, "options": options})
        registry.methods[name] = Offer(spec, offer.plugin)
    return registry


def plan(registry: Registry, results: Path, methods: str = METHODS, **more: Any) -> list[PlannedCell]:
    request = read_request(
        registry, methods, "salt", profile="smoke", test_samples=3, results=results, **{"seeds": 2, **more}
    )
    return make_plan(request, registry)


def record_of(results: Path, run: str) -> Record:
    return next(one for one in Results(results).records()[0] if run in one.run_id)


def forget_option(results: Path, run: str, option: str) -> None:
    """Remove an option from a record, as if the option had been added later."""
    (folder,) = (path for path in (results / "runs").iterdir() if run in path.name)
    content = json.loads((folder / "record.json").read_text())
    del content["cell"]["options"][option]
    (folder / "record.json").write_text(json.dumps(content))
    folder.rename(folder.with_name(Cell.model_validate(content["cell"]).run_id))


def test_keys_of_format_1_are_unchanged(former: Path) -> None:
    records, faults = Results(former).records()
    assert not faults
    assert {one.run_id for one in records} == {path.name for path in (STORED / "runs").iterdir()}
    assert {one.format for one in records} == {1}


def test_plan_finds_results_of_format_1(registry: Registry, former: Path) -> None:
    planned = plan(registry, former)
    assert len(planned) == 5
    assert all(one.cached is not None and one.cached.run_id == one.cell.run_id for one in planned)
    assert all(one.cell.non_default is not None for one in plan(registry, former / "empty"))


def test_forced_run_keeps_name_of_format_1(registry: Registry, former: Path) -> None:
    known = {path.name for path in (former / "runs").iterdir()}
    assert {one.cell.run_id for one in plan(registry, former, force=True)} == known


def test_additional_seed_joins_row_of_format_1_results(registry: Registry, former: Path) -> None:
    *_, last = plan(registry, former, "invlint[decoder=conv]", seeds=3)
    assert last.cached is None
    assert last.cell.non_default == {"decoder": "conv"} | last.cell.non_default
    new = record_of(former, "invlint-s0").model_copy(update={"cell": last.cell})
    board = make_board([*Results(former).records()[0], new], builtin_columns())
    assert sorted(line.row["seeds"] for line in board.lines) == [1, 2, 3]


def test_option_added_later_keeps_result_of_format_1(registry: Registry, former: Path) -> None:
    forget_option(former, "invlint-s0", "max_batches")
    first, second = plan(registry, former, "invlint[decoder=conv]")
    assert first.cached is not None
    assert second.cached is not None
    other = plan(registry, former, "invlint[decoder=conv,max_batches=7]", seeds=1)
    assert other[0].cached is None


def test_interrupted_attempt_of_format_1_is_resumed(registry: Registry, former: Path) -> None:
    run = next(path for path in (former / "runs").iterdir() if "invlint-s0" in path.name)
    shutil.rmtree(run)
    (run / "work").mkdir(parents=True)
    (first, _) = plan(registry, former, "invlint[decoder=conv]")
    assert (first.cell.run_id, first.cached) == (run.name, None)


def test_results_of_format_1_merge_and_rescore(registry: Registry, former: Path, tmp_path: Path) -> None:
    merge([former], tmp_path / "merged")
    record = record_of(tmp_path / "merged", "mean-map-s0")
    dataset = plan(registry, former, "mean-map")[0].dataset
    dataset.prepare()
    folder = Results(tmp_path / "merged").folder(record.cell)
    again, failures = rescore(folder, ["mae"], registry)
    assert not failures
    assert again.scores["mae"] == pytest.approx(record.scores["mae"], rel=1e-6)
    assert again.cell == record.cell


def test_commands_show_results_of_format_1(former: Path, fwibench: Command) -> None:
    for words in (["status"], ["leaderboard"], ["show", "mean-map-s0"], ["compare", "mean-map", "invlint"]):
        done = fwibench(*words, "--results", str(former))
        assert done.returncode == 0, done.stderr
        assert "mean-map" in done.stdout


def test_result_is_shown_with_the_version_of_the_program_that_made_it(former: Path) -> None:
    record = record_of(former, "mean-map-s0")
    earlier = {**record.environment, "packages": {"fwibench": "0.0.9"}}
    (line,) = make_board([record.model_copy(update={"environment": earlier})], builtin_columns()).lines
    assert line.row["fwibench_version"] == "0.0.9"


def test_new_option_with_default_keeps_key(registry: Registry, tmp_path: Path) -> None:
    spec = registry.method("invlint").spec
    (one,) = plan(registry, tmp_path, "invlint[decoder=conv]", seeds=1)

    class Grown(spec.options):  # type: ignore[name-defined,misc]
        added: int = 3

    grown = spec.model_copy(update={"options": Grown})

    def key(**options: Any) -> str:
        values = Grown.model_validate({**one.cell.options, **options}).model_dump(mode="json")
        changes = {"options": values, "non_default": non_default_options(grown, values)}
        return Cell.model_validate({**one.cell.model_dump(), **changes}).key

    assert key() == one.cell.key
    assert key(added=4) != one.cell.key
