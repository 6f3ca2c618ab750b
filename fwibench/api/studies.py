"""Studies: declared sweeps, run like any other request, and shown as their publication prints them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fwibench.api.catalogue import open_registry
from fwibench.api.runs import RunOutcome, run_request
from fwibench.boards.columns import columns_of
from fwibench.files.atomic import check_folder
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.run import Listener
from fwibench.runs.planning.request import Request
from fwibench.specs.dataset import Profile
from fwibench.studies.planning import StudyPlan, all_cells, find_studies, plan_studies
from fwibench.studies.results import StudyResults, read_results

if TYPE_CHECKING:
    import pandas as pd

    from fwibench.studies.claims import Verdict


@dataclass(frozen=True)
class StudyOutcome:
    """Results of a study.

    Attributes:
        results: Values by block, row and column.
    """

    results: StudyResults

    @property
    def complete(self) -> bool:
        """Whether every case has all its results."""
        return not self.results.gaps

    def table(self) -> pd.DataFrame:
        """Return one row for each number, ours and published."""
        import pandas as pd

        from fwibench.studies.tables import FIELDS, long_table

        return pd.DataFrame(long_table(self.results), columns=FIELDS)

    def claims(self) -> list[Verdict]:
        """Return the judged claims."""
        from fwibench.studies.claims import judge

        return judge(self.results)


def study(
    name: str,
    results: str | Path = "results",
    *,
    datasets: Sequence[str] = (),
    profile: Profile = "quick",
    run: bool = True,
) -> list[StudyOutcome]:
    """Run a study, or all studies of a collection; finished cells are not run again.

    Args:
        name: Name of a study, or of a collection such as `paper`.
        results: Results folder.
        datasets: Only the cases on these datasets; all by default.
        profile: Size of data and training: `smoke`, `quick` or `paper`.
        run: Whether missing cells are run; otherwise only what is finished is read.

    Returns:
        The results of each study.

    Raises:
        UnknownNameError: There is no such study or dataset.
    """
    from fwibench.api.progress import make_listener

    registry = open_registry()
    request = Request(methods=(), datasets=(), profile=profile, results=Path(results))
    plans = plan_studies(find_studies(registry, name), request, registry, datasets)
    if run:
        check_folder(request.results / "runs")
        with make_listener(ranking=columns_of(registry).ranking) as listener:
            run_studies(plans, request, registry, listener)
        for line in score_finished(plans, Results(request.results), registry):
            warnings.warn(line, stacklevel=2)
    columns = columns_of(registry)
    return [StudyOutcome(read_results(plan, Results(request.results), columns)) for plan in plans]


def run_studies(plans: Sequence[StudyPlan], request: Request, registry: Registry, listener: Listener) -> RunOutcome:
    """Run the cells of studies that are not finished.

    Args:
        plans: The planned studies.
        request: What their cells have in common.
        registry: Registry of methods, datasets and metrics.
        listener: Is told how far the run is.
    """
    metrics = tuple(dict.fromkeys((*request.metrics, *(name for plan in plans for name in plan.study.metrics))))
    return run_request(all_cells(plans), replace(request, metrics=metrics), registry, listener)


def score_finished(plans: Sequence[StudyPlan], results: Results, registry: Registry) -> list[str]:
    """Compute the metrics of studies that runs of earlier requests lack, from their stored predictions.

    Args:
        plans: The planned studies, before they were run.
        results: The results folder.
        registry: Registry of methods, datasets and metrics.

    Returns:
        A line for each score that could not be computed.
    """
    from fwibench.runs.folders.rescore import rescore_runs

    lines = []
    for plan in plans:
        finished = (one.cached for one in all_cells([plan]) if one.cached is not None)
        lacking = [one for one in finished if not one.scores.keys() >= set(plan.study.metrics)]
        for done in rescore_runs([(results.folder(one.cell), one) for one in lacking], plan.study.metrics, registry):
            failures = [f"{done.error}; {done.hint}"] if done.error else done.failures
            lines += [f"{done.folder.name}, {plan.study.name}: {failure}" for failure in failures]
    return lines
