"""Notices, web-hooks and repair as programs meet them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from predictions.models import Workflow
from reviewqueue.enums import DeliveryStatus, NoticeKind
from reviewqueue.models import Case, CaseEvent, Delivery, Notice, Webhook
from reviewqueue.services.notices import notify
from tests.factories.predictions import make_champion
from tests.reviewqueue.api.conftest import Call
from tests.reviewqueue.services.repair_steps import pass_items

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.org/a"
HOOKS, REPAIR = "workflows/live/webhooks", "workflows/live/repair"
N = 6
DATA = {"reviewer": "01a1febd-9c6c-7432-8ffc-05a099109b81", "plan_version": 1}


def tell(live: Workflow, text: str, kind: NoticeKind = NoticeKind.GRANTED) -> Notice:
    now = datetime.now(UTC)
    return notify(workflow=live, kind=kind, text=text, data=DATA, now=now)


def errors(answer: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- a test response
    assert answer.status_code == 422
    return [(one["field"], one["rule"]) for one in answer.json()["errors"]]


def test_notices_are_listed_and_narrowed_by_kind(call: Call, live: Workflow) -> None:
    tell(live, "Up.")
    gone = tell(live, "Gone.", NoticeKind.WITHDRAWN)

    all_kinds = call("GET", "workflows/live/notices").json()
    [found] = call("GET", "workflows/live/notices?kind=autonomy.withdrawn").json()[
        "results"
    ]

    assert [one["text"] for one in all_kinds["results"]] == ["Gone.", "Up."]
    assert found == {
        "id": str(gone.pk),
        "kind": "autonomy.withdrawn",
        "text": "Gone.",
        "data": DATA,
        "at": gone.at.isoformat().replace("+00:00", "Z"),
    }
    unknown = call("GET", "workflows/live/notices?kind=weather")
    assert errors(unknown) == [("kind", "value")]


def test_reading_counts_what_is_left(call: Call, live: Workflow) -> None:
    first = tell(live, "First.")
    tell(live, "Second.")
    read = "workflows/live/notices/read"

    assert call("POST", read, {"upto": str(first.pk)}).json() == {"n_unread": 1}
    assert errors(call("POST", read, {"upto": str(uuid4())})) == [("upto", "value")]
    assert errors(call("POST", read, {})) == [("upto", "missing")]


def test_web_hook_is_added_and_its_secret_told_once(call: Call, live: Workflow) -> None:
    answer = call("POST", HOOKS, {"url": URL, "kinds": ["autonomy.granted"]})

    hook = Webhook.objects.get()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["secret"] == hook.secret
    [listed] = call("GET", HOOKS).json()["results"]
    assert listed == {
        "id": str(hook.pk),
        "url": URL,
        "kinds": ["autonomy.granted"],
        "created_by": "robot",
        "created_at": hook.created_at.isoformat().replace("+00:00", "Z"),
        "disabled_at": None,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("url", "missing")]),
        ({"url": 7}, [("url", "type")]),
        ({"url": "http://example.org/"}, [("url", "scheme")]),
        ({"url": "https://169.254.169.254/"}, [("url", "link_local")]),
        ({"url": "https://exämple.org/"}, [("url", "characters")]),
        ({"url": URL, "kinds": "all"}, [("kinds", "type")]),
        ({"url": URL, "kinds": ["weather"]}, [("kinds", "value")]),
        ({"url": URL, "secret": "mine"}, [("secret", "unknown_field")]),
    ],
)
def test_what_is_no_web_hook_is_refused(
    call: Call, body: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert errors(call("POST", HOOKS, body)) == expected
    assert not Webhook.objects.exists()


def test_deliveries_are_listed_and_replayed_until_the_end(
    call: Call, live: Workflow
) -> None:
    hook = call("POST", HOOKS, {"url": URL}).json()["id"]
    notice = tell(live, "Up.")
    Delivery.objects.update(status=DeliveryStatus.GIVEN_UP, next_at=None, attempts=12)
    log = f"webhooks/{hook}/deliveries"

    [given_up] = call("GET", f"{log}?status=given_up").json()["results"]
    assert (given_up["notice_id"], given_up["attempts"]) == (str(notice.pk), 12)
    again = call("POST", f"deliveries/{given_up['id']}/replay")
    assert (again.status_code, again.json()["status"]) == (200, "waiting")
    assert call("GET", f"{log}?status=given_up").json()["results"] == []
    assert errors(call("GET", f"{log}?status=lost")) == [("status", "value")]

    ended = call("POST", f"webhooks/{hook}/disable")
    assert ended.json()["disabled_at"] is not None
    refused = call("POST", f"deliveries/{given_up['id']}/replay")
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:countersign:problem:replay-refused"


@pytest.fixture
def passed(live: Workflow) -> dict[str, str]:
    """Items that were decided alone, and the window that holds them."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    make_champion(live, now=now)
    pass_items(live, N, now=now)
    return {"since": now.isoformat(), "until": (now + timedelta(minutes=1)).isoformat()}


def preview(call: Call, window: dict[str, str], **more: object) -> Any:  # noqa: ANN401 -- JSON
    asked = "&".join(f"{name}={value}" for name, value in {**window, **more}.items())
    answer = call("GET", f"{REPAIR}?{asked}")
    assert answer.status_code == 200
    return answer.json()


def test_preview_counts_ranks_and_pages(call: Call, passed: dict[str, str]) -> None:
    first = preview(call, passed, n=2, limit=4)
    second = preview(call, passed, limit=4, cursor=first["next"])

    rows = first["results"] + second["results"]
    costs = [row["expected_cost"] for row in rows]
    assert first["counts"] == {
        "n": N,
        "n_labelled": 0,
        "n_open": 0,
        "n_left": N,
        "expected_cost": pytest.approx(sum(costs)),
    }
    assert costs == sorted(costs, reverse=True)
    assert len({row["item_id"] for row in rows}) == N
    assert second["next"] is None
    assert first["chosen"]["n"] == 2
    assert first["chosen"]["expected_cost"] == pytest.approx(sum(costs[:2]))


def test_chosen_are_put_back_once(call: Call, passed: dict[str, str]) -> None:
    seen = preview(call, passed, n=2)
    body = {**passed, "last": seen["chosen"]["last"], "reason": "rolled back"}

    done = [call("POST", REPAIR, body).json() for _ in range(2)]

    assert done == [
        {"n_opened": 2, "n_skipped": 0},
        {"n_opened": 0, "n_skipped": 0},
    ]
    wanted = {row["item_id"] for row in seen["results"][:2]}
    assert {str(case.item_id) for case in Case.objects.all()} == wanted
    assert set(CaseEvent.objects.values_list("reason", "actor__username")) == {
        ("repair: rolled back", "robot")
    }


def test_named_items_are_put_back(call: Call, passed: dict[str, str]) -> None:
    [row, *_] = preview(call, passed)["results"]
    body = {"item_ids": [row["item_id"], str(uuid4())], "reason": "a complaint"}

    assert call("POST", REPAIR, body).json() == {"n_opened": 1, "n_skipped": 1}
    assert preview(call, passed)["counts"]["n_open"] == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"reason": "a"}, ("since", "missing")),
        ({"since": "soon", "last": "x", "reason": "a"}, ("since", "type")),
        ({"since": "2026-01-01T00:00:00Z", "reason": "a"}, ("last", "missing")),
        (
            {"since": "2026-01-01T00:00:00Z", "last": "é", "reason": "a"},
            ("last", "value"),
        ),
        ({"item_ids": []}, ("reason", "missing")),
        ({"item_ids": "all", "reason": "a"}, ("item_ids", "type")),
        ({"item_ids": [7], "reason": "a"}, ("item_ids", "type")),
        ({"item_ids": [], "last": "x", "reason": "a"}, ("last", "not_allowed")),
        (
            {"item_ids": [str(uuid4()) for _ in range(10_001)], "reason": "a"},
            ("item_ids", "too_many"),
        ),
    ],
)
def test_what_cannot_be_put_back_is_refused(
    call: Call, live: Workflow, body: dict[str, object], expected: tuple[str, str]
) -> None:
    assert errors(call("POST", REPAIR, body)) == [expected]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", ("since", "missing")),
        ("?since=soon", ("since", "type")),
        ("?since=2026-01-01T00:00:00Z&n=0", ("n", "range")),
        ("?since=2026-01-01T00:00:00Z&n=10001", ("n", "range")),
        ("?since=2026-01-01T00:00:00Z&version=one", ("version", "range")),
        ("?since=2026-01-01T00:00:00Z&segment=one", ("segment", "type")),
        ("?since=2026-01-01T00:00:00Z&cursor=one", ("cursor", "value")),
        ("?since=2026-01-01T00:00:00Z&limit=501", ("limit", "range")),
    ],
)
def test_preview_of_nonsense_is_refused(
    call: Call, live: Workflow, asked: str, expected: tuple[str, str]
) -> None:
    assert errors(call("GET", REPAIR + asked)) == [expected]
