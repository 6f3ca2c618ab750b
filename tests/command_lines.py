"""Requests of command lines, which are parsed as the program does."""

import inspect
from functools import cache
from typing import Any

from fwibench.cli.app import app
from fwibench.cli.request import build_request
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.request import Request


@cache
def run_command() -> Any:
    return app.commands["run"]  # type: ignore[attr-defined]


def arguments_of(words: list[str]) -> dict[str, Any]:
    """Return the arguments of `build_request` for a command line."""
    context = run_command().make_context("run", words[words.index("run") + 1 :])
    given = {**context.params, "context": context}
    return {name: given[name] for name in list(inspect.signature(build_request).parameters)[1:]}


def parse(words: list[str], registry: Registry) -> Request:
    """Return the request of a command line."""
    return build_request(registry, **arguments_of(words))
