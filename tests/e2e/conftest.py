"""People at their browsers, against a real server in this process."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition
from urllib.parse import urlsplit

import pytest
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    Response,
)
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from tests.reviewqueue.services.steps import open_cases

# Playwright keeps an event loop in this thread, where Django would refuse to query.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@dataclass
class Watch:
    """What went wrong on the pages; `expected` are words of what a test provokes."""

    host: str
    expected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._note(f"error: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("requestfailed", self._failed)
        page.on("request", self._asked)
        page.on("response", self._answered)

    def unexpected(self) -> list[str]:
        return [
            one
            for one in self.problems
            if not any(words in one for words in self.expected)
        ]

    def _note(self, problem: str) -> None:
        self.problems.append(problem)

    def _console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self._note(f"console: {text}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host:
            self._note(f"another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"status {response.status}: {response.url}")


class Requests:
    """Counts the requests that the server is at, also those that nobody awaits."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._n = 0

    def started(self, **_: object) -> None:
        with self._changed:
            self._n += 1

    def finished(self, **_: object) -> None:
        with self._changed:
            self._n -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until the last one has ended, ten seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._n <= 0, timeout=10)


@pytest.fixture
def requests_of_pages() -> Iterator[Requests]:
    counted = Requests()
    request_started.connect(counted.started)
    request_finished.connect(counted.finished)
    yield counted
    request_started.disconnect(counted.started)
    request_finished.disconnect(counted.finished)


OpenPage = Callable[..., Page]


@pytest.fixture
def watch(live_server: LiveServer) -> Iterator[Watch]:
    watching = Watch(urlsplit(live_server.url).netloc)
    yield watching
    assert watching.unexpected() == []


@pytest.fixture
def open_page(
    chromium: Browser,
    live_server: LiveServer,
    watch: Watch,
    requests_of_pages: Requests,
) -> Iterator[OpenPage]:
    """Return a way to open a page as somebody: `open_page(alice, "/")`."""
    contexts: list[BrowserContext] = []

    def open_page(person: User, path: str, **options: object) -> Page:
        browsing = {"viewport": {"width": 1280, "height": 900}, **options}
        context = chromium.new_context(
            base_url=live_server.url,
            reduced_motion="reduce",
            **browsing,  # type: ignore[arg-type]  # playwright's own options
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        session = session_of(person)
        context.add_cookies(
            [{"name": "sessionid", "value": session, "url": live_server.url}]
        )
        page = context.new_page()
        watch.attach(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # What is fetched ahead needs its tables, which are emptied next.
    requests_of_pages.wait()


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value


@pytest.fixture
def fill(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> Callable[[int], Workflow]:
    """Return a way to put scored items into the queue."""

    def fill(n: int) -> Workflow:
        open_cases(workflow, n, now=now)
        return workflow

    return fill
