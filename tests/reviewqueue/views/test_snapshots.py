"""Snapshot pages: counts first, then a build, then a datasheet and files."""

import csv
import hashlib
import io
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import Queue, SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import build_snapshot
from tests.factories.predictions import make_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


@pytest.fixture
def decided(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Workflow:
    """Five items, three of them decided: two frauds and one that is none."""
    make_items(workflow, 5, now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    for label in ("fraud", "legitimate", "fraud"):
        case = claim_next_case(
            workflow=workflow, reviewer=alice, queues=[Queue.REVIEW], now=now
        )
        assert case is not None
        assert case.lease_token is not None
        record_decision(
            case_id=case.pk,
            reviewer=alice,
            lease_token=case.lease_token,
            judgement=Judgement(label=label),
            now=now,
        )
    return workflow


@pytest.fixture
def page(client: Client, decided: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:snapshot-{name}", args=["cards", *args])


def build(page: Client, **asked: object) -> Snapshot:
    page.post(url("create"), {**asked, "action": "build"})
    snapshot = Snapshot.objects.latest("created_at")
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: datetime.now(UTC))
    snapshot.refresh_from_db()
    return snapshot


def test_counts_are_shown_and_nothing_is_stored(page: Client) -> None:
    answer = page.post(url("create"), {"action": "count"})

    assert answer.context["n_rows"] == 3
    assert answer.context["counts"] == [
        ("fraud", "decision", 2),
        ("legitimate", "decision", 1),
    ]
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("asked", "n_rows"),
    [
        ({"labels": ["fraud"]}, 2),
        ({"sources": ["outcome"]}, 0),
        ({"only_blind": "on"}, 0),
        ({"first": "2000-01-01", "last": "2000-01-02"}, 0),
    ],
)
def test_what_is_counted_is_what_is_built(
    page: Client, asked: dict[str, object], n_rows: int
) -> None:
    counted = page.post(url("create"), {**asked, "action": "count"})
    snapshot = build(page, **asked)

    assert counted.context["n_rows"] == n_rows
    assert snapshot.n_rows == n_rows
    assert snapshot.n_rows_expected == n_rows


def test_today_is_within_a_window_that_ends_today(page: Client, now: datetime) -> None:
    today = now.date().isoformat()
    yesterday = (now - timedelta(days=1)).date().isoformat()

    counted = page.post(
        url("create"), {"first": yesterday, "last": today, "action": "count"}
    )

    assert counted.context["n_rows"] == 3


def test_days_that_make_no_window_are_named(page: Client) -> None:
    asked = {"first": "2026-02-02", "last": "2026-01-01", "action": "build"}

    answer = page.post(url("create"), asked)

    assert answer.status_code == 422
    assert b"before the first one" in answer.content
    assert not Snapshot.objects.exists()


def test_detail_polls_until_it_is_built(page: Client) -> None:
    page.post(url("create"), {"action": "build"})
    snapshot = Snapshot.objects.get()
    waiting = page.get(url("detail", snapshot.pk)).content
    assert b'hx-trigger="every' in waiting
    assert b"Look again" in waiting  # without JavaScript

    build_snapshot(snapshot_id=snapshot.pk, clock=lambda: datetime.now(UTC))
    done = page.get(url("detail", snapshot.pk)).content.decode()

    snapshot.refresh_from_db()
    assert 'hx-trigger="every' not in done
    assert snapshot.sha256 in done
    assert "automation bias" in done


def test_files_hold_the_rows_and_the_hash_is_the_parquet_file(page: Client) -> None:
    snapshot = build(page)

    def body(kind: str) -> bytes:
        answer = page.get(url("download", snapshot.pk, kind))
        assert answer.status_code == 200
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    parquet = body("parquet")
    assert hashlib.sha256(parquet).hexdigest() == snapshot.sha256
    assert pq.read_table(io.BytesIO(parquet)).num_rows == 3
    lines = list(csv.DictReader(io.StringIO(body("csv").decode())))
    assert sorted(line["label"] for line in lines) == ["fraud", "fraud", "legitimate"]
    assert len(body("jsonl").splitlines()) == 3
    assert page.get(url("download", snapshot.pk, "xlsx")).status_code == 404


def test_what_could_not_be_built_says_why(page: Client, now: datetime) -> None:
    page.post(url("create"), {"action": "build"})
    snapshot = Snapshot.objects.get()
    Snapshot.objects.update(
        status=SnapshotStatus.FAILED, failure="OSError: disk full", finished_at=now
    )

    answer = page.get(url("detail", snapshot.pk))

    assert b"OSError: disk full" in answer.content
    assert page.get(url("download", snapshot.pk, "csv")).status_code == 404


def test_who_sees_and_who_makes_them(
    page: Client, alice: User, audrey: User, mallory: User
) -> None:
    snapshot = build(page)
    pages = [url("list"), url("detail", snapshot.pk)]

    def statuses(user: User) -> list[int]:
        page.force_login(user)
        return [page.get(path).status_code for path in [*pages, url("create")]]

    assert statuses(audrey) == [200, 200, 403]
    assert statuses(alice) == [403, 403, 403]
    assert statuses(mallory) == [404, 404, 404]
