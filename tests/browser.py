"""The browser that tests share: Debian's Chromium, found by its usual names."""

import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE: Final = Axe()
# What axe checks a page by.
AXE_OPTIONS: Final = {
    "runOnly": [
        "wcag2a",
        "wcag2aa",
        "wcag21a",
        "wcag21aa",
        "wcag22aa",
        "best-practice",
    ],
    "resultTypes": ["violations"],
}
# What another theme of the same page can break.
AXE_COLOURS: Final = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}


def violations(page: Page, options: Mapping[str, object] = AXE_OPTIONS) -> list[str]:
    """Return what axe finds on a page, each with the first element it is true of."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.axe_script)
    answer = page.evaluate("options => axe.run(options)", options)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in answer["violations"]
    ]


def chromium_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start Chromium once; where it is missing, say that its tests did not run."""
    path = chromium_path()
    if path is None:
        if os.environ.get("EVERY_CHECK"):
            pytest.fail("Chromium is not installed: the pages cannot be tested.")
        pytest.skip("Chromium is not installed: the pages were not tested.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
