"""The browser of the tests of pages."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import FLAGS, find_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; without it, or without playwright, the test is skipped."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if (path := find_chromium()) is None:
        pytest.skip("no Chromium: `make test-browser` says what installs it")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()
