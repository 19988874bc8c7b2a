"""Every page of the access table: axe finds nothing, nothing scrolls sideways."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.access_table import (
    OTHER_ANSWERS,
    SIGNED_IN,
    SITE_ADMIN,
    SITE_PAGES,
    STEPS_OF_SIGNING_IN,
    WORKFLOW_PAGES,
)
from tests.access_world import (
    ADMIN,
    EVERYTHING,
    NOBODY,
    World,
    address,
    build_world,
    patterns,
)
from tests.e2e.conftest import Watch

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

RULES = {
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
WIDTHS = (360, 768, 1280)
# 1280 px at 400 %: what WCAG's reflow asks for.
REFLOW = 320
# Answers that are no page of ours: files, machine-readable text.
NO_PAGES = {
    "health-live",
    "health-ready",
    "metrics",
    "reviewqueue:snapshot-download",
    "mfa_download_recovery_codes",
    # There only with a second factor.
    "mfa_view_recovery_codes",
    "mfa_deactivate_totp",
}


def of_workflows() -> list[str]:
    return [
        name
        for name, method, _ in WORKFLOW_PAGES
        if method == "GET" and name not in NO_PAGES
    ]


def of_the_site() -> list[tuple[str, str]]:
    """Return the pages, with who looks at them."""
    seen_by = {SITE_ADMIN: ADMIN, SIGNED_IN: EVERYTHING}
    skipped = NO_PAGES | STEPS_OF_SIGNING_IN | set(OTHER_ANSWERS)
    return [
        (name, seen_by.get(allowed, NOBODY))
        for name, method, allowed in SITE_PAGES
        if method == "GET" and name not in skipped and "<" not in patterns()[name]
    ]


@pytest.fixture
def world(live_server: LiveServer) -> World:
    return build_world()


@pytest.fixture
def walk(
    chromium: Browser, live_server: LiveServer, watch: Watch, world: World
) -> Iterator["Walk"]:
    walking = Walk(chromium, live_server.url, watch, world)
    yield walking
    walking.close()


class Walk:
    """One browser per person, led from page to page."""

    def __init__(self, chromium: Browser, url: str, watch: Watch, world: World) -> None:
        self.chromium, self.url, self.watch, self.world = chromium, url, watch, world
        self.pages: dict[str, Page] = {}
        self.axe = Axe()

    def findings(self, who: str, path: str) -> list[str]:
        page = self._page(who)
        answer = page.goto(path)
        assert answer is not None
        found = [] if answer.ok else [f"answers {answer.status}"]
        return found + self.look(page)

    def look(self, page: Page) -> list[str]:
        """Return what is wrong with the page, at every width and in both themes."""
        found: list[str] = []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += self._sideways(page, width)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                found += [f"{width} {theme} {one}" for one in self._axe(page)]
        page.set_viewport_size({"width": REFLOW, "height": 256})
        return found + self._sideways(page, REFLOW)

    def close(self) -> None:
        for page in self.pages.values():
            page.context.close()

    def _page(self, who: str) -> Page:
        if who not in self.pages:
            context = self.chromium.new_context(
                base_url=self.url, reduced_motion="reduce"
            )
            session = self.world.clients[who].cookies.get("sessionid")
            if session is not None:
                context.add_cookies(
                    [{"name": "sessionid", "value": session.value, "url": self.url}]
                )
            self.pages[who] = context.new_page()
            self.watch.attach(self.pages[who])
        return self.pages[who]

    def _axe(self, page: Page) -> list[str]:
        found = self.axe.run(page, options=RULES).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]

    def _sideways(self, page: Page, width: int) -> list[str]:
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        return [f"{width}: {scrolled} px wide"] if scrolled > width else []


@pytest.mark.parametrize("half", [0, 1])
def test_pages_of_a_workflow(walk: Walk, half: int) -> None:
    names = of_workflows()[half::2]

    found = {
        name: problems
        for name in names
        if (problems := walk.findings(EVERYTHING, address(name, walk.world.own)))
    }

    assert found == {}
    assert len(names) >= 8


def test_walk_finds_what_is_wrong(walk: Walk) -> None:
    walk.findings(NOBODY, "/accounts/login/")
    page = walk.pages[NOBODY]
    page.evaluate(
        """() => {
          const wide = document.createElement("img");
          wide.src = "/static/img/favicon.svg";
          Object.assign(wide.style, { minWidth: "2000px", minHeight: "20px" });
          document.querySelector("main").append(wide);
        }"""
    )

    found = walk.look(page)

    assert any("image-alt" in one for one in found)
    assert any("px wide" in one for one in found)


def test_page_that_says_no_is_accessible_too(walk: Walk) -> None:
    walk.watch.expected += ["404", "403"]

    missing = walk.findings(EVERYTHING, "/w/nowhere/review/")
    closed = walk.findings(EVERYTHING, "/accounts/users/")

    assert (missing, closed) == (["answers 404"], ["answers 403"])


@pytest.mark.parametrize("half", [0, 1])
def test_pages_of_the_site(walk: Walk, half: int) -> None:
    walk.watch.expected += ["404", "403"]
    pages = of_the_site()[half::2]

    found = {
        name: problems
        for name, who in pages
        if (problems := walk.findings(who, address(name, walk.world.own)))
    }

    assert found == {}
    assert len(pages) >= 10
