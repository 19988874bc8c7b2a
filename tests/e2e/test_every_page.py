"""Every page of the access table: axe finds nothing, nothing scrolls sideways."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.access_table import (
    OTHER_ANSWERS,
    OWN,
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
from tests.browser import AXE_COLOURS, AXE_OPTIONS, violations
from tests.e2e.conftest import Watch

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

WIDE = 3840  # a 4K screen without scaling
# Where axe looks. Colours are the same at every width, all else in both themes: at
# everything where most look, at the colours of the other theme, and on the phone again
# for what is smaller there.
WIDTHS: Mapping[int, Sequence[Literal["light", "dark"]]] = {
    360: ("light",),
    768: (),
    1280: ("light", "dark"),
    WIDE: (),
}
LEAST_FILLED = 0.6  # of a wide screen, by a page that is not narrow on purpose
# 1280 px at 400 %: what WCAG's reflow asks for.
REFLOW = 320
FILLED = """() => {
  const one = document.querySelector("main > :is(.page:not(.narrow), .desk)");
  return one && one.getBoundingClientRect().width / innerWidth;
}"""
BESIDE = """() => {
  const page = document.querySelector("main > :is(.page:not(.narrow), .desk)");
  if (!page) return 0;
  const style = getComputedStyle(page);
  const left = page.getBoundingClientRect().left + parseFloat(style.paddingLeft);
  return Math.abs(document.querySelector(".mark").getBoundingClientRect().left - left);
}"""
# Answers that are no page of ours: files, machine-readable text.
NO_PAGES = {
    "health-live",
    "health-ready",
    "metrics",
    "reviewqueue:snapshot-download",
    "predictions:media",
    "predictions:media-derivative",
    "lifecycle:gate-json",
    "lifecycle:readiness-report",
    "lifecycle:model-card",
    "lifecycle:snapshot-datasheet",
    "mfa_download_recovery_codes",
    # There only with a second factor.
    "mfa_view_recovery_codes",
    "mfa_deactivate_totp",
}


def of_workflows() -> list[str]:
    return [
        name
        for name, method, _ in WORKFLOW_PAGES
        # Files that are one's own are looked at in `test_reading_files`.
        if method == "GET" and name not in NO_PAGES and name not in OWN
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

    def findings(self, who: str, path: str) -> list[str]:
        page = self.page(who)
        answer = page.goto(path)
        assert answer is not None
        found = [] if answer.ok else [f"answers {answer.status}"]
        return found + self.look(page)

    def look(self, page: Page) -> list[str]:
        """Return what is wrong with the page, at every width and in both themes."""
        found: list[str] = []
        for width, themes in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 900})
            found += self._sideways(page, width)
            for theme in themes:
                page.emulate_media(color_scheme=theme)
                rules = AXE_COLOURS if theme == "dark" else AXE_OPTIONS
                wrong = violations(page, rules)
                found += [f"{width} {theme} {one}" for one in wrong]
            if width == WIDE:
                found += self._lost(page)
        page.set_viewport_size({"width": REFLOW, "height": 256})
        return found + self._sideways(page, REFLOW)

    def page(self, who: str) -> Page:
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

    def close(self) -> None:
        for page in self.pages.values():
            page.context.close()

    def _lost(self, page: Page) -> list[str]:
        """Say where a page is small on a wide screen, or the bar not above it."""
        found = []
        filled, beside = page.evaluate(FILLED), page.evaluate(BESIDE)
        if filled is not None and filled < LEAST_FILLED:
            found.append(f"{WIDE}: the page fills {filled:.0%}")
        if beside > 1:
            found.append(f"{WIDE}: the bar begins {beside:.0f} px beside the page")
        return found

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
          const pale = document.createElement("p");
          pale.textContent = "hardly to be read";
          Object.assign(pale.style, { color: "#777", background: "#888" });
          document.querySelector("main").append(wide, pale);
        }"""
    )

    found = walk.look(page)

    assert any("image-alt" in one for one in found)
    assert any(one.startswith("1280 light color-contrast") for one in found)
    assert any(one.startswith("1280 dark color-contrast") for one in found)
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


def test_pages_with_answers(walk: Walk, tmp_path: Path) -> None:
    walk.watch.expected += ["422"]
    own = walk.world.own
    tried = address("reviewqueue:trust-what-if", own) + "?delta=0.2&min_reviews=5"
    found = {"other terms": walk.findings(EVERYTHING, tried)}
    page = walk.page(EVERYTHING)

    page.goto(address("reviewqueue:quarantine-detail", own))
    page.get_by_role("button", name="Send again").or_(
        page.get_by_role("button", name="Send this JSON")
    ).first.click()
    page.get_by_role("heading", name="Why").wait_for()
    found["correction refused"] = walk.look(page)

    file = tmp_path / "rows.csv"
    file.write_text("external_id,occurred_at,amount\nnew-1,soon,-5\n", encoding="utf-8")
    page.goto(address("predictions:upload", own))
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="What became of them").wait_for()
    found["rows refused"] = walk.look(page)

    User.objects.filter(pk=walk.world.people[EVERYTHING].pk).update(
        must_change_password=True
    )
    found["temporary password"] = walk.findings(EVERYTHING, "/")
    assert "made by a site admin" in page.content()
    assert {name: problems for name, problems in found.items() if problems} == {}
