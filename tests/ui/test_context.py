from dataclasses import dataclass, field
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import ResolverMatch

from ui import context

CARDS, CELLS = UUID(int=1), UUID(int=2)


@dataclass
class FakeWorkflow:
    pk: UUID
    slug: str
    name: str


@dataclass
class FakeActor:
    allowed: dict[UUID, set[str]] = field(default_factory=dict)

    def can(self, permission: str, scope_id: UUID | None, /) -> bool:
        return scope_id is not None and permission in self.allowed.get(scope_id, set())


@pytest.fixture(autouse=True)
def _every_view_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake_url(view_name: str, *args: str) -> str | None:
        if view_name == "lifecycle:model-list":
            return None
        return "/" + "/".join([*args, view_name.partition(":")[2] or view_name]) + "/"

    monkeypatch.setattr(context, "_url", fake_url)


def _request(
    view_name: str, allowed: dict[UUID, set[str]], *, current: int = 0
) -> HttpRequest:
    workflows = [
        FakeWorkflow(CARDS, "card-fraud", "Card fraud"),
        FakeWorkflow(CELLS, "cytology", "Cytology"),
    ]
    request = RequestFactory().get("/")
    namespace, _, url_name = view_name.partition(":")
    request.resolver_match = ResolverMatch(
        lambda r: r, (), {}, url_name=url_name, namespaces=[namespace]
    )
    vars(request).update(
        actor=FakeActor(allowed), workflow=workflows[current], workflows=workflows
    )
    return request


def test_tabs_are_those_that_the_actor_may_open() -> None:
    request = _request("reviewqueue:review", {CARDS: {"cases.review", "items.view"}})
    tabs = context.build_navigation(request).tabs
    assert [(tab.label, tab.url) for tab in tabs] == [
        ("Review", "/card-fraud/review/"),
        ("Items", "/card-fraud/item-list/"),
    ]


def test_review_tab_is_there_for_an_adjudicator() -> None:
    request = _request("reviewqueue:review", {CARDS: {"cases.adjudicate"}})
    assert [t.label for t in context.build_navigation(request).tabs] == ["Review"]


def test_tab_without_a_view_is_left_out() -> None:
    request = _request("reviewqueue:review", {CARDS: {"models.view"}})
    assert context.build_navigation(request).tabs == []


@pytest.mark.parametrize(
    ("view_name", "current"),
    [
        ("reviewqueue:case-list", "page"),
        ("reviewqueue:case-detail", "true"),
        ("reviewqueue:item-detail", ""),
    ],
)
def test_tab_is_current_on_its_page_and_on_pages_below_it(
    view_name: str, current: str
) -> None:
    request = _request(view_name, {CARDS: {"cases.view"}})
    assert context.build_navigation(request).tabs[0].current == current


def test_workflow_menu_leads_to_the_same_part_or_to_the_first_that_is_allowed() -> None:
    allowed = {CARDS: {"cases.view", "metrics.view"}, CELLS: {"items.view"}}
    request = _request("reviewqueue:dashboard", allowed)
    links = context.build_navigation(request).workflows
    assert [(link.label, link.url, link.current) for link in links] == [
        ("Card fraud", "/card-fraud/dashboard/", "true"),
        ("Cytology", "/cytology/item-list/", ""),
    ]


def test_workflow_without_a_permission_is_not_in_the_menu() -> None:
    request = _request("reviewqueue:review", {CARDS: {"cases.view"}})
    links = context.build_navigation(request).workflows
    assert [link.label for link in links] == ["Card fraud"]


def test_request_without_an_actor_gets_an_empty_header() -> None:
    found = context.build_navigation(RequestFactory().get("/"))
    assert (found.workflow, found.workflows, found.tabs) == (None, [], [])


def test_navigation_is_not_worked_out_before_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(request: HttpRequest) -> context.Navigation:
        raise AssertionError

    monkeypatch.setattr(context, "build_navigation", refuse)
    assert context.navigation(RequestFactory().get("/"))["theme"] == "auto"
