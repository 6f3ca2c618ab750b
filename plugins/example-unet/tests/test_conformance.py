"""Conformance checks of the method example-unet.

The package must be installed, so that fwibench finds it.
"""

from collections.abc import Callable

from fwibench.testing import parametrize_with_checks


@parametrize_with_checks(["example-unet"])
def test_conformance(check: Callable[[], None]) -> None:
    check()
