"""The command line: assembles the commands, and turns errors into a message, a hint and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from fwibench.cli.commands import (
    compare,
    diff,
    doctor,
    figures,
    info,
    invert,
    leaderboard,
    merge,
    plan,
    predict,
    report,
    reproduce,
    rescore,
    run,
    show,
    status,
)
from fwibench.cli.commands import list as list_
from fwibench.cli.commands.data import add, card, prepare, remove, verify
from fwibench.cli.commands.plugins import check, new
from fwibench.cli.commands.plugins import list as list_plugins
from fwibench.cli.commands.study import list as list_studies
from fwibench.cli.commands.study import plan as plan_study
from fwibench.cli.commands.study import run as run_study
from fwibench.cli.commands.study import show as show_study
from fwibench.cli.console import streams
from fwibench.cli.console.output import print_error
from fwibench.cli.global_options import move_to_front, set_global_options
from fwibench.cli.groups import App
from fwibench.errors import FwibenchError, UsageError
from fwibench.plugins.isolation import describe
from fwibench.runs.processes.variables import bounded_waiting

FAULT = 70
"""Exit code of an unexpected error: EX_SOFTWARE of sysexits.h."""

app = App(
    name="fwibench",
    help="Benchmark methods of geophysical inversion on the same data, clocks and metrics.",
    pretty_exceptions_enable=False,
    add_completion=False,
)

data = App(help="Prepare, check, describe and add datasets.")
plugins = App(help="List and check plugins, and create new ones.")
study = App(help="Run, show and list studies.")
app.callback()(set_global_options)
for command in (run.run, plan.plan, status.status, show.show):
    app.command()(command)
for command in (predict.predict, reproduce.reproduce, invert.invert):
    app.command()(command)
for command in (leaderboard.leaderboard, compare.compare, figures.figures, report.report):
    app.command()(command)
for command in (merge.merge, diff.diff, rescore.rescore):
    app.command()(command)
app.command("list")(list_.list_)
app.command()(info.info)
app.add_typer(data, name="data")
for command in (prepare.prepare, verify.verify, card.card, add.add, remove.remove):
    data.command()(command)
app.add_typer(study, name="study")
study.command("list")(list_studies.list_)
for command in (plan_study.plan, run_study.run, show_study.show):
    study.command()(command)
app.add_typer(plugins, name="plugins")
for command in (check.check, new.new):
    plugins.command()(command)
plugins.command("list")(list_plugins.list_)
app.command()(doctor.doctor)


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
        print_error(f"standard output cannot be written: {failure}", "free disk space, or redirect the output")
        code = code or 1
    raise SystemExit(code) from unexpected


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code; unexpected errors propagate, and with --debug all errors."""
    try:
        app(move_to_front(arguments))
    except FwibenchError as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        print_error(error.message, error.hint)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _explain(error: Exception) -> int:
    """Print an unexpected error in two lines and return the exit code."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        print_error(
            f"{named}{error.strerror}",
            "check the path, its permissions and the disk space; --debug shows the traceback",
        )
        return 1
    if isinstance(error, MemoryError):
        print_error("not enough memory", "try fewer cells or a smaller profile; --debug shows the traceback")
        return 1
    print_error(
        f"{describe(error)}; this is a bug in fwibench", "please report it with the traceback that --debug shows"
    )
    return FAULT
