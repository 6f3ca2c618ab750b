"""The columns of a leaderboard.

Invariant: names and order are stable; docs/leaderboard.md says the same. A value that was not measured is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        kind: What its values are; any of them may be None.
        meaning: One line.
        best: Which values come first when rows are sorted by it; `low` also for texts.
    """

    kind: Literal["text", "integer", "number"]
    meaning: str
    best: Literal["low", "high"] = "low"


COLUMNS = {
    "rank": Column(
        "integer", "place by MAE in the group; 1 also for all that cannot be told from the best; empty if not ranked"
    ),
    "method": Column("text", "name of the method"),
    "method_version": Column("text", "version of the method's results"),
    "plugin": Column("text", "distribution that offers the method"),
    "options": Column("text", "options that differ from the profile's"),
    "dataset": Column("text", "name of the dataset, with its variant"),
    "source": Column("text", "`synthetic`, `files`, or `published: ` and where"),
    "split": Column("text", "split scheme"),
    "track": Column("text", "`standard`, `oracle-start` or `extra-data`"),
    "profile": Column("text", "how much work: `smoke`, `quick` or `paper`"),
    "n_train": Column("integer", "training samples"),
    "n_test": Column("integer", "test samples that the scores are means of"),
    "seeds": Column("integer", "repetitions that are ok", "high"),
    "mae": Column("number", "mean absolute error, in the property's unit"),
    "mae_ci_low": Column("number", "lower end of the 95 % interval of `mae`"),
    "mae_ci_high": Column("number", "upper end of it"),
    "mse": Column("number", "mean squared error, in the unit squared"),
    "rmse": Column("number", "mean over samples of the root of a sample's mean squared error"),
    "ssim": Column("number", "structural similarity, the published definition", "high"),
    "ssim_wang": Column("number", "structural similarity, scikit-image's definition", "high"),
    "data_misfit": Column("number", "relative L2 distance of simulated and measured data"),
    "parameters": Column("integer", "trained by gradient descent"),
    "parameters_closed_form": Column("integer", "solved for in closed form, then frozen"),
    "flops": Column("integer", "floating-point operations of one sample, forward"),
    "macs": Column("integer", "multiply-adds of the same"),
    "flops_kind": Column("text", "`counted`, `analytic` or `mixed`"),
    "fit_s": Column("number", "time of fit [s]"),
    "predict_ms_cpu1": Column("number", "one sample on one CPU thread, median [ms]"),
    "throughput_per_s": Column("number", "samples a second at the best batch size", "high"),
    "peak_memory_mb": Column("number", "largest resident size of the process [MB]"),
    "device": Column("text", "where it ran"),
    "status": Column("text", "`ok` if a repetition is; else why none is; `published` for a printed row"),
    "n_failed": Column("integer", "repetitions that are not ok"),
    "fwibench_version": Column("text", "version of fwibench that made the run"),
    "run_ids": Column("text", "names of the runs, separated by blanks; a blank within a name is written `%20`"),
    "date_utc": Column("text", "start of the latest run"),
    "unit": Column("text", "unit of the property"),
}
