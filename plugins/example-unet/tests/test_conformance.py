"""Does example-unet keep the contract of a method?

Install the package first, so that fwibench finds it.
"""

from collections.abc import Callable

from fwibench.testing import parametrize_with_checks


@parametrize_with_checks(["example-unet"])
def test_conformance(check: Callable[[], None]) -> None:
    check()
