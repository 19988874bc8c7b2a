"""A gold case beside an ordinary one: all that a reviewer can read must agree.

The gold item has the features of the item whose case it comes before, so that nothing
but names, ids and the time at which it happened may differ.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.permissions import Actor
from predictions.models import Item, ModelVersion, Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Case
from reviewqueue.queries.earlier import earlier_items
from reviewqueue.services.gold import GoldRow, add_gold_rows
from reviewqueue.services.pipeline import process_batch
from tests.factories.accounts import ApiKeyFactory, bearer
from tests.factories.predictions import raw_item, set_policy, store
from tests.reviewqueue.services.gold_steps import every_claim_drawn, put_gold_plan

pytestmark = pytest.mark.django_db
API = "/api/v1"
SLA = timedelta(minutes=240)
# What is an item's or a claim's own, or the moment of asking.
OWN = {
    "id",
    "item_id",
    "case_id",
    "decision_id",
    "external_id",
    "lease_token",
    "lease_expires_at",
    "occurred_at",
    "draw",
    "latency_ms",
    "claimed_at",
    "opened_at",
    "decided_at",
    "closed_at",
}


class Pair(NamedTuple):
    """A gold case and the ordinary one that it came before, as they were claimed."""

    gold: dict[str, Any]
    ordinary: dict[str, Any]
    ask: Callable[..., Any]
    page: Callable[[str], str]


def _routed(workflow: Workflow, name: str, kind: RouteKind, *, at: datetime) -> Item:
    """Store items that differ in name only until one is routed so; close its cases."""
    names = [f"{name}-{n:02}" for n in range(20)]
    rows = [{**raw_item(1, now=at, customer=one), "external_id": one} for one in names]
    store(workflow, rows, now=at)
    process_batch(workflow=workflow, limit=20, now=at)
    items = Item.objects.filter(workflow=workflow, external_id__startswith=name)
    chosen = items.filter(route__kind=kind).order_by("pk")[0]
    rest = Case.objects.filter(item__in=items).exclude(
        item=chosen if name == "new" else None
    )
    rest.update(status="withdrawn", closed_at=at)
    return chosen


@pytest.fixture(params=[RouteKind.AUTO, RouteKind.REVIEW])
def kind(request: pytest.FixtureRequest) -> RouteKind:
    """How the gold item had been routed."""
    found: RouteKind = request.param
    return found


@pytest.fixture(params=[0.0, 1.0], ids=["shown", "blind"])
def blind_share(request: pytest.FixtureRequest) -> float:
    found: float = request.param
    return found


@pytest.fixture
def pair(
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    sam: User,
    kind: RouteKind,
    blind_share: float,
) -> Pair:
    at = timezone.now() - timedelta(hours=1)
    set_policy(
        workflow,
        now=at - timedelta(days=31),
        mode="above",
        low=1.0,
        audit_share=0.5,
        blind_share=blind_share,
    )
    known = _routed(workflow, "old", kind, at=at - timedelta(days=30))
    _routed(workflow, "new", RouteKind.REVIEW, at=at)
    add_gold_rows(
        workflow=workflow,
        rows=[GoldRow(0, known.external_id, "fraud")],
        by=sam,
        now=at,
    )
    put_gold_plan(workflow, now=at)
    key = bearer(ApiKeyFactory.create(owner=alice, scope_id=workflow.pk))
    client = Client()
    client.force_login(alice)

    def ask(path: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
        if body is None:
            answer = Client().get(f"{API}{path}", headers=key)
        else:
            answer = Client().post(
                f"{API}{path}",
                json.dumps(body),
                content_type="application/json",
                headers=key,
            )
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    def page(path: str) -> str:
        answer = client.get(f"/w/cards/{path}")
        assert answer.status_code == 200
        return answer.content.decode()

    with every_claim_drawn():
        gold = ask("/workflows/cards/cases/claim", {})
    with every_claim_drawn(False):
        ordinary = ask("/workflows/cards/cases/claim", {})
    assert gold["external_id"].startswith("old")
    assert ordinary["external_id"].startswith("new")
    return Pair(gold, ordinary, ask, page)


def _common(value: object) -> object:
    """Return an answer without what is one item's own."""
    if isinstance(value, dict):
        if "source" in value:  # a label
            assert value["id"] != value["decision_id"]
            value = {**value, "created_at": None}
        return {
            name: name if name in OWN and one else _common(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_common(one) for one in value]
    is_name = isinstance(value, str) and re.fullmatch(r"(old|new)-\d\d", value)
    return "name" if is_name else value


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _relations(case: dict[str, Any]) -> dict[str, object]:
    """Return what times and numbers say of each other."""
    opened, received = _when(case["created_at"]), _when(case["item"]["received_at"])
    found: dict[str, object] = {
        "due": _when(case["due_at"]) - received,
        "waited": opened - received,
        "id": int(case["id"].replace("-", "")[:12], 16) / 1000
        - int(opened.timestamp() * 1000) / 1000,
        "assigned": case["assigned_to"],
        "priority": case["priority"],
    }
    if (route := case.get("route")) is not None:
        found |= {
            "routed": _when(route["routed_at"]) - opened,
            "said": _when(case["recommendation"]["created_at"]) - opened,
            "blind": route["blind"] == case["blind"],
            "drawn": 0 <= route["draw"] < route["review_probability"],
            "by": (route["kind"], route["reason"], route["review_probability"]),
        }
    return found


def _moment(found: re.Match[str]) -> str:
    """Return a moment of a page, or that it was just now: one claim is a bit later."""
    at = _when(found[1])
    return "now" if timezone.now() - at < timedelta(minutes=5) else found[1]


def _plain(page: str, name: str) -> str:
    """Return the words of a page without names, ids, draws and ages."""
    text = re.sub(r"<head>.*?</head>|<(script|nav).*?</\1>", "", page, flags=re.DOTALL)
    text = re.sub(
        r'\b(name|id|value|href|action|hx-[\w-]+|data-\w[\w-]*)="[^"]*"', "", text
    )
    text = re.sub(r"'{\"X-CSRFToken[^>]*", "", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(rf"\b{name}(-\d+)?\b", "NAME", text)
    text = re.sub(r"held by Alice until \d\d:\d\d", "held", text)
    text = re.sub(r'<time datetime="([^"]+)".*?</time>', _moment, text)
    text = re.sub(r"drawn 0\.\d+|\d+(\.\d+)?.(ms|µs)|0\.\d{4}", "#", text)
    return re.sub(r"\s+", " ", text)


def test_claims_agree(pair: Pair) -> None:
    assert _common(pair.gold) == _common(pair.ordinary)
    assert _relations(pair.gold) == _relations(pair.ordinary)
    assert _relations(pair.gold)["due"] == SLA
    assert pair.gold["priority"] is None


def test_stories_lists_and_answers_agree(pair: Pair) -> None:
    both = (pair.gold, pair.ordinary)
    paths = ("/workflows/cards/items/{external_id}", "/cases/{id}")
    received = pair.ordinary["item"]["received_at"].replace("+00:00", "Z")

    def read() -> None:
        for path in paths:
            gold, ordinary = (_common(pair.ask(path.format(**one))) for one in both)
            assert gold == ordinary
        for path in (
            "/workflows/cards/cases",
            "/workflows/cards/items",
            f"/workflows/cards/items?received_after={received}",
        ):
            rows = pair.ask(path)["results"]
            gold, ordinary = (
                [one for one in rows if one["external_id"] == case["external_id"]]
                for case in both
            )
            assert len(gold) == 1
            assert _common(gold) == _common(ordinary)

    read()
    said = [
        pair.ask(
            f"/cases/{one['id']}/decision",
            {"lease_token": one["lease_token"], "label": "legitimate"},
        )
        for one in both
    ]
    assert _common(said[0]) == _common(said[1])
    read()


def test_pages_agree(pair: Pair) -> None:
    for path in (
        "review/?case={id}",
        "items/{item_id}/",
        "cases/{id}/",
        "items/?q={external_id}",
        "items/?q={external_id}&route=review",
        "items/?q={external_id}&route=auto",
        "items/?q={external_id}&route_reason=audit",
        "items/?q={external_id}&routed_from=" + pair.ordinary["created_at"][:10],
    ):
        gold = _plain(pair.page(path.format(**pair.gold)), "old")
        ordinary = _plain(pair.page(path.format(**pair.ordinary)), "new")
        assert gold == ordinary, path
    assert "Expected cost" not in pair.page("cases/")


def test_filters_agree(pair: Pair) -> None:
    page = pair.page("items/?route=review")
    for one in (pair.gold, pair.ordinary):
        assert one["external_id"] in page
    assert pair.gold["external_id"] not in pair.page("items/?route=auto")


def test_earlier_items_of_a_subject_agree(
    pair: Pair, workflow: Workflow, alice: User
) -> None:
    at = timezone.now()
    for one in (pair.gold, pair.ordinary):
        row = {**raw_item(1, now=at, customer=one["external_id"])}
        name = f"later-{one['external_id']}"
        store(workflow, [{**row, "external_id": name}], now=at)
        item = Item.objects.get(external_id=name)
        [earlier] = earlier_items(item, Actor(alice))
        if one["blind"]:
            assert earlier.is_hidden
        else:
            assert earlier.route is not None
            assert (earlier.route.kind, earlier.route.reason) == ("review", "audit")
            assert earlier.label is None
