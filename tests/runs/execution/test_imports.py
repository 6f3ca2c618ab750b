"""Modules of the templates of a cell's processes."""

import json
import subprocess
import sys
from typing import Any

import pytest

from fwibench.runs.execution.attempt import _EventFilter
from fwibench.runs.execution.imports import LATE, METHOD, SCORING, late_imports, method_imports
from fwibench.runs.processes.warm import Imports

IMPORTED = """
import json, sys, threading
from importlib import import_module

for name in json.loads(sys.argv[1]):
    import_module(name)
torch = sys.modules.get("torch")
cuda = torch is not None and torch.cuda.is_initialized()
print(json.dumps({"modules": sorted(sys.modules), "threads": threading.active_count(), "cuda": cuda}))
"""


def imported(imports: Imports) -> dict[str, Any]:
    """Return the state of an interpreter that has imported groups of modules."""
    names = [name for group in imports for name in group]
    command = [sys.executable, "-P", "-c", IMPORTED, json.dumps(names)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.parametrize(
    ("imports", "absent"),
    [(SCORING, ("torch", *LATE)), (METHOD, ("scipy", "deepwave", "lightning_fabric", *LATE)), ((*METHOD, LATE), ())],
)
def test_template_has_only_what_its_processes_need(imports: Imports, absent: tuple[str, ...]) -> None:
    found = imported(imports)
    assert not set(absent) & set(found["modules"])
    assert not [name for name in found["modules"] if name.startswith(("fwibench_", "fwibench.runs.execution.worker"))]
    assert (found["threads"], found["cuda"]) == (1, False)


def test_only_late_modules_of_the_core_are_taken_from_an_event() -> None:
    events: list[dict[str, Any]] = []
    accept = _EventFilter(events.append)
    accept({"imported": ["os", "some_plugin", LATE[0], 3]})
    assert accept.late == LATE[:1]
    assert not events, "the event is for the attempt alone"
    assert method_imports(accept.late) == (*METHOD, LATE[:1])
    assert method_imports(late_imports(["os"])) == METHOD
