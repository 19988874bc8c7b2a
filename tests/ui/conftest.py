"""The style guide in a real browser, served from memory: no database, no server."""

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Browser, ConsoleMessage, Page, Route
from pytest_django import Settings

from ui.style_guide import style_guide_context

STATIC = Path(__file__).resolve().parents[2] / "static"
HOST = "http://ui.test"
HTMX = "/static/django_htmx/htmx-2.min.js"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'"
)


def render_guide() -> str:
    """Draw the style guide as a site admin in a workflow sees it."""
    request = RequestFactory().get("/ui/style-guide/")
    workflow = SimpleNamespace(pk=UUID(int=1), slug="card-fraud", name="Card fraud")
    user = SimpleNamespace(
        is_authenticated=True,
        is_superuser=True,
        display_name="Alice",
        key_bindings={"skip": "x"},
    )
    vars(request).update(
        user=user,
        workflow=workflow,
        workflows=[workflow],
        actor=SimpleNamespace(can=lambda permission, scope_id: True),
    )
    return render_to_string("ui/style_guide.html", style_guide_context(), request)


def _serve(route: Route, page_source: str) -> None:
    path = route.request.url.removeprefix(HOST).partition("?")[0]
    if path == "/":
        headers = {"content-security-policy": POLICY, "content-type": "text/html"}
        route.fulfill(body=page_source, headers=headers)
        return
    file = STATIC / path.removeprefix("/static/")
    if path == HTMX:
        file = Path(str(finders.find(path.removeprefix("/static/"))))
    if file.is_file():
        kind = mimetypes.guess_type(file.name)[0] or "text/plain"
        route.fulfill(body=file.read_bytes(), content_type=kind)
    else:
        route.fulfill(status=204)


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    # Tests make requests fail on purpose; the browser reports each.
    on_purpose = message.text.startswith(
        ("Failed to load resource", "Response Status Error Code")
    )
    if message.type == "error" and not on_purpose:
        complaints.append(message.text)


@pytest.fixture
def guide(chromium: Browser, settings: Settings) -> Iterator[Page]:
    """A page showing the style guide; errors and refusals fail the test."""
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    complaints: list[str] = []
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    source = render_guide()
    context.route("**/*", lambda route: _serve(route, source))
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: _note(message, complaints))
    page.goto(HOST + "/")
    yield page
    context.close()
    assert complaints == []
