"""The command line: assembles the commands, and turns errors into a message, a hint and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from fwibench.cli.console import streams
from fwibench.cli.global_options import move_to_front, set_global_options
from fwibench.cli.groups import make_group
from fwibench.errors import FwibenchError, UsageError
from fwibench.runs.processes.variables import bounded_waiting

FAULT = 70
"""Exit code of an unexpected error: EX_SOFTWARE of sysexits.h."""
COMMANDS = "fwibench.cli.commands"
"""Package whose modules are named like the commands; it is imported when one of them is used."""

data = make_group(
    "Prepare, check, describe and add datasets.",
    f"{COMMANDS}.data",
    {
        "prepare": "Make the missing samples of datasets; existing samples are kept.",
        "verify": "Check the files, hashes and values of datasets, and compare stored samples with new simulations.",
        "card": "Describe a dataset: units, geometry, licence, splits, statistics and caveats; a file also "
        "shows samples.",
        "add": "Make a dataset of your own arrays; .npy files are read in place, SEG-Y files are converted.",
        "export-inputs": "Write what is needed to predict a dataset elsewhere, without the truth of the test samples.",
        "remove": "Remove an added dataset from the list of datasets; your files are kept.",
    },
)
study = make_group(
    "Run, show and list studies.",
    f"{COMMANDS}.study",
    {
        "list": "List the studies: sweeps that make a table or figure, each with its source and datasets.",
        "plan": "List the cells of a study, their state, and estimates of time, memory and disk space.",
        "run": "Run a study, or all studies of a collection, and print their tables; finished cells are not run again.",
        "show": "Show what is finished of a study as its publication prints it, and judge its claims; exit code "
        "1 with gaps.",
    },
)
plugins = make_group(
    "List and check plugins, and create new ones.",
    f"{COMMANDS}.plugins",
    {
        "check": "Run the conformance checks of a method, dataset, metric or study; exit code 1 if one fails.",
        "new": "Create a working plugin package with tests, as a start for a method, dataset, metric or study.",
        "list": "List plugins with their distribution, what they offer, their status and the reason if they are "
        "broken.",
    },
)
app = make_group(
    "Benchmark methods of geophysical inversion on the same data, clocks and metrics.",
    COMMANDS,
    {
        "run": "Run methods on datasets and print their leaderboard.",
        "plan": "List the cells of `run` with the same options, their state, and estimates of time, memory and "
        "disk space.",
        "status": "List the runs of a results folder: status, score, duration and reason.",
        "show": "Show a run: options, scores, costs, diagnostics and environment.",
        "predict": "Apply the model of a finished run, or a model file, to new measurements, which are checked before.",
        "export": "Write the fitted method of a finished run as a model file, which needs nothing else to predict.",
        "bundle": "Write finished runs as one file that anybody can verify: records, scores and rounded predictions.",
        "verify": "Compute the scores of a bundle again and check all it states; exit code 1 if rejected, 3 if not "
        "decided.",
        "import-model": "Make a model file of published weights, such as OpenFWI's checkpoints.",
        "reproduce": "Run the command of a finished run again in a new folder and compare the results; exit code 1 "
        "if they differ.",
        "invert": "Invert a record without training: full waveform inversion with the geometry of the survey.",
        "leaderboard": "Rank all methods in a results folder, each dataset, split, track and profile by itself.",
        "compare": "Compare methods in pairs, sample by sample: difference, interval, signed-rank test, effect size.",
        "figures": "Draw panels, curves of training and convergence, costs, errors, resolution and spectra of runs "
        "in a folder.",
        "report": "Write a results folder as one self-contained HTML page: tables, figures, a viewer of samples.",
        "board": "Make a public leaderboard of bundles: a folder of pages that needs no server and no network.",
        "merge": "Join results folders, such as those of several machines; the newest ok record of each cell is "
        "kept by default.",
        "diff": "Compare the cells, status and scores of two results folders; exit code 1 if they differ.",
        "score": "Score predictions that were made elsewhere: they become a record beside the runs of methods.",
        "rescore": "Compute metrics, such as a newly installed one, from the stored predictions of finished runs.",
        "list": "List methods, datasets, metrics, exporters, studies, importers or loggers, each with its plugin.",
        "info": "Show a method, dataset, metric or exporter; with --dataset, the layers and costs of a method "
        "on that dataset.",
        "data": data,
        "study": study,
        "plugins": plugins,
        "doctor": "Check packages, devices, plugins and folders; exit code 1 if a check fails.",
    },
    set_global_options,
)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: Command line without the name of the program; default: that of the process.

    Raises:
        SystemExit: Always; an unexpected error is its cause.
    """
    streams.prepare()
    # set before torch is imported: some commands simulate and predict in this process
    os.environ.update(bounded_waiting(os.environ))
    unexpected: Exception | None = None
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except Exception as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        code, unexpected = _explain(error), error
    if failure := streams.finish():
        _print_error(f"standard output cannot be written: {failure}", "free disk space, or redirect the output")
        code = code or 1
    raise SystemExit(code) from unexpected


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code; unexpected errors propagate, and with --debug all errors."""
    try:
        app(move_to_front(arguments), prog_name="fwibench")
    except FwibenchError as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        _print_error(error.message, error.hint)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _print_error(message: str, hint: str) -> None:
    # Rich takes as long to import as a help text to print
    from fwibench.cli.console.output import print_error

    print_error(message, hint)


def _explain(error: Exception) -> int:
    """Print an unexpected error in two lines and return the exit code."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        _print_error(
            f"{named}{error.strerror}",
            "check the path, its permissions and the disk space; --debug shows the traceback",
        )
        return 1
    if isinstance(error, MemoryError):
        _print_error("not enough memory", "try fewer cells or a smaller profile; --debug shows the traceback")
        return 1
    from fwibench.plugins.isolation import describe

    _print_error(
        f"{describe(error)}; this is a bug in fwibench", "please report it with the traceback that --debug shows"
    )
    return FAULT
