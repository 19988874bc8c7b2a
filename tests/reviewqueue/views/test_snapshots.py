"""Snapshot pages: counts first, then a build, then a datasheet and files."""

import csv
import hashlib
import html
import io
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.services import snapshots
from reviewqueue.services.snapshots import build_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one; their moments are whole seconds."""
    return datetime.now(UTC) - timedelta(seconds=5)


@pytest.fixture(autouse=True)
def nobody_writes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each build the seconds in which others may still commit."""
    monkeypatch.setattr(snapshots, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def web(client: Client, decided: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"reviewqueue:snapshot-{name}", args=["cards", *args])


def build(web: Client, **asked: object) -> Snapshot:
    web.post(url("create"), asked)
    snapshot = Snapshot.objects.latest("created_at")
    assert build_snapshot(snapshot_id=snapshot.pk, clock=lambda: datetime.now(UTC))
    snapshot.refresh_from_db()
    return snapshot


def test_counts_are_shown_and_nothing_is_stored(web: Client) -> None:
    answer = web.get(url("create"), {"step": "count"})

    counted = answer.context["counted"]
    assert counted.n_rows == 3
    assert counted.sources == ["decisions"]
    assert counted.labels == [("fraud", 2, [2]), ("legitimate", 1, [1])]
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("asked", "n_rows"),
    [
        ({"labels": ["fraud"]}, 2),
        ({"sources": ["outcome"]}, 0),
        ({"only_blind": "on"}, 0),
        ({"labelled_from": "2000-01-01", "labelled_to": "2000-01-02"}, 0),
        ({"labelled_from": "2000-01-01T00:00:00"}, 3),
    ],
)
def test_what_is_counted_is_what_is_built(
    web: Client, asked: dict[str, object], n_rows: int
) -> None:
    counted = web.get(url("create"), {**asked, "step": "count"}).context["counted"]
    snapshot = build(web, **asked)

    assert counted.n_rows == n_rows
    assert snapshot.n_rows == n_rows
    assert snapshot.n_rows_expected == n_rows


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (
            {"labelled_from": "2026-02-02", "labelled_to": "2026-01-01"},
            "labelled_to",
            "The window ends before it begins.",
        ),
        ({"as_of": "2999-01-01"}, "as_of", "This moment is still to come."),
        ({"as_of": "soon"}, "as_of", "Enter a valid date/time."),
        (
            {"labels": ["theft"]},
            "labels",
            "Select a valid choice. theft is not one of the available choices.",
        ),
        (
            {"sources": ["retracted"]},
            "sources",
            "Select a valid choice. retracted is not one of the available choices.",
        ),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_cannot_be_asked_is_said_at_its_field(
    web: Client, asked: dict[str, object], field: str, words: str, method: str
) -> None:
    answer = getattr(web, method)(url("create"), asked)

    assert answer.status_code == 422
    assert answer.context["form"].errors == {field: [words]}
    assert html.escape(words) in answer.content.decode()
    assert not Snapshot.objects.exists()


def test_detail_polls_until_it_is_built(web: Client) -> None:
    web.post(url("create"))
    snapshot = Snapshot.objects.get()
    waiting = web.get(url("detail", snapshot.pk)).content
    assert b'hx-trigger="every' in waiting
    assert b"Refresh" in waiting  # without JavaScript

    build_snapshot(snapshot_id=snapshot.pk, clock=lambda: datetime.now(UTC))
    done = web.get(url("detail", snapshot.pk)).content.decode()

    snapshot.refresh_from_db()
    assert 'hx-trigger="every' not in done
    assert snapshot.sha256 in done
    assert "automation bias" in done


def test_files_hold_the_rows_and_the_hash_is_the_parquet_file(web: Client) -> None:
    snapshot = build(web)

    def body(kind: str) -> bytes:
        answer = web.get(url("download", snapshot.pk, kind))
        assert answer.status_code == 200
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    parquet = body("parquet")
    assert hashlib.sha256(parquet).hexdigest() == snapshot.sha256
    assert pq.read_table(io.BytesIO(parquet)).num_rows == 3
    lines = list(csv.DictReader(io.StringIO(body("csv").decode())))
    assert sorted(line["label"] for line in lines) == ["fraud", "fraud", "legitimate"]
    assert len(body("jsonl").splitlines()) == 3
    assert web.get(url("download", snapshot.pk, "xlsx")).status_code == 404


def test_what_could_not_be_built_says_why(web: Client, now: datetime) -> None:
    web.post(url("create"))
    snapshot = Snapshot.objects.get()
    Snapshot.objects.update(
        status=SnapshotStatus.FAILED, failure="OSError: disk full", finished_at=now
    )

    answer = web.get(url("detail", snapshot.pk))

    assert b"OSError: disk full" in answer.content
    assert web.get(url("download", snapshot.pk, "csv")).status_code == 404


def test_who_sees_and_who_makes_them(
    web: Client, alice: User, audrey: User, mallory: User
) -> None:
    snapshot = build(web)
    pages = [url("list"), url("detail", snapshot.pk)]

    def statuses(user: User) -> list[int]:
        web.force_login(user)
        return [web.get(path).status_code for path in [*pages, url("create")]]

    assert statuses(audrey) == [200, 200, 403]
    assert statuses(alice) == [403, 403, 403]
    assert statuses(mallory) == [404, 404, 404]
