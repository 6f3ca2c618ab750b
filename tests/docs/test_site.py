"""The built site on a phone; `make docs` builds it."""

from pathlib import Path

import pytest

from tests.chromium import FLAGS, find_chromium, missing

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PHONE = {"width": 390, "height": 844}


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason="no browser")
@pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built: make docs")
def test_no_page_scrolls_sideways_on_a_phone_or_needs_a_network() -> None:
    from playwright.sync_api import sync_playwright

    pages = [path for path in SITE.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > 60
    faults = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        tab = browser.new_context(viewport=PHONE).new_page()
        tab.on("requestfailed", lambda request: faults.append(request.url))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        for path in pages:
            tab.goto(path.as_uri())
            width = tab.evaluate("document.scrollingElement.scrollWidth")
            if width > PHONE["width"]:
                faults.append(f"{path.relative_to(SITE)} is {width} pixels wide")
        browser.close()
    assert faults == []
