"""Asking for training runs, and calling them off."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from lifecycle.enums import RunStatus
from lifecycle.models import TrainingRun
from lifecycle.services.training_runs import CancelRefused, cancel_run
from lifecycle.services.training_work import sweep_runs, train_run
from predictions.models import Workflow
from reviewqueue.enums import NoticeKind, SnapshotStatus
from reviewqueue.models import Notice, Snapshot
from tests.lifecycle.training_steps import (
    BASELINE,
    LOGISTIC,
    add_labels,
    ask,
    drawn_items,
)
from tests.reviewqueue.services.snapshot_steps import built

SILENT = timedelta(seconds=61)


@pytest.fixture
def snapshot(workflow: Workflow, now: datetime) -> Snapshot:
    """A snapshot that says it is large; nobody reads its file here."""
    made = built(workflow, now=now, as_of=now)
    sheet = {**(made.datasheet or {}), "labels": {"fraud": 300, "legitimate": 500}}
    Snapshot.objects.filter(pk=made.pk).update(datasheet=sheet)
    made.refresh_from_db()
    return made


@pytest.mark.django_db
def test_same_wish_finds_the_run_until_it_failed(
    workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    first = ask(workflow, snapshot, LOGISTIC, BASELINE, now=now)
    assert ask(workflow, snapshot, LOGISTIC, BASELINE, now=now) == first
    assert ask(workflow, snapshot, BASELINE, LOGISTIC, now=now) != first
    assert ask(workflow, snapshot, LOGISTIC, BASELINE, now=now, seed=4) != first

    TrainingRun.objects.filter(pk=first.pk).update(
        status=RunStatus.FAILED, ended_at=now
    )
    assert ask(workflow, snapshot, LOGISTIC, BASELINE, now=now) != first


@pytest.mark.django_db
def test_too_few_are_declined_at_once_in_words_and_told_once(
    workflow: Workflow, client: Client, erin: User, now: datetime
) -> None:
    add_labels(workflow, drawn_items(60, now=now), now=now)
    small = built(workflow, now=now, as_of=now)
    labels = small.datasheet["labels"]

    run = ask(workflow, small, now=now)
    again = ask(workflow, small, now=now)

    assert again == run
    assert run.status == RunStatus.DECLINED
    assert run.said == (
        f"{labels['fraud']} positives, 200 needed; "
        f"{labels['legitimate']} others, 200 needed"
    )
    told = Notice.objects.get(kind=NoticeKind.TRAINING_ENDED)
    assert told.text == f"Training was declined (by hand): {run.said}."
    assert told.data["training_run"] == str(run.pk)
    client.force_login(erin)
    notices = client.get("/w/cards/notices/").content.decode()
    assert f'href="/w/cards/training/{run.pk}/">The run</a>' in notices


@pytest.mark.django_db
def test_run_on_a_fresh_snapshot_waits_for_it(
    workflow: Workflow, now: datetime
) -> None:
    run = ask(workflow, None, now=now)

    assert run.snapshot.status == SnapshotStatus.QUEUED
    assert ask(workflow, None, now=now) == run
    assert not train_run(run_id=run.pk, clock=lambda: now)
    Snapshot.objects.filter(pk=run.snapshot_id).update(status=SnapshotStatus.FAILED)
    sweep_runs(now=now)
    run.refresh_from_db()
    assert (run.status, run.said) == (
        RunStatus.FAILED,
        "Its snapshot could not be built.",
    )


@pytest.mark.django_db
def test_cancel_ends_a_waiting_run_and_asks_a_running_one(
    workflow: Workflow, snapshot: Snapshot, erin: User, now: datetime
) -> None:
    waiting = ask(workflow, snapshot, LOGISTIC, now=now)
    running = ask(workflow, snapshot, BASELINE, now=now)
    TrainingRun.objects.filter(pk=running.pk).update(
        status=RunStatus.RUNNING, heartbeat_at=now, n_tries=1
    )

    for run in (waiting, running):
        cancel_run(run=run, by=erin, now=now)
        cancel_run(run=run, by=erin, now=now)
        run.refresh_from_db()

    assert (waiting.status, waiting.ended_at) == (RunStatus.CANCELLED, now)
    assert (running.status, running.is_cancel_asked) == (RunStatus.RUNNING, True)
    sweep_runs(now=now + SILENT)  # its worker died
    running.refresh_from_db()
    assert running.status == RunStatus.CANCELLED
    assert running.said == "Cancelled by Erin."
    assert not Notice.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["done", "failed", "declined"])
def test_cancel_of_an_ended_run_is_refused(
    workflow: Workflow, snapshot: Snapshot, erin: User, now: datetime, status: str
) -> None:
    run = ask(workflow, snapshot, now=now)
    TrainingRun.objects.filter(pk=run.pk).update(status=status, ended_at=now)

    with pytest.raises(CancelRefused, match=f"The run is {status}."):
        cancel_run(run=run, by=erin, now=now)


@pytest.mark.django_db
def test_run_whose_workers_fell_silent_three_times_fails_in_words(
    workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    run = ask(workflow, snapshot, now=now)
    TrainingRun.objects.filter(pk=run.pk).update(
        status=RunStatus.RUNNING, heartbeat_at=now, n_tries=3
    )

    sweep_runs(now=now + timedelta(seconds=59))
    run.refresh_from_db()
    assert run.status == RunStatus.RUNNING
    sweep_runs(now=now + SILENT)
    sweep_runs(now=now + SILENT)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert run.said.startswith("3 workers fell silent at it")
    assert Notice.objects.filter(kind=NoticeKind.TRAINING_ENDED).count() == 1


@pytest.mark.django_db
def test_no_more_runs_than_places_are_taken(
    workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    busy = ask(workflow, snapshot, LOGISTIC, now=now)
    second = ask(workflow, snapshot, BASELINE, now=now)
    TrainingRun.objects.filter(pk=busy.pk).update(
        status=RunStatus.RUNNING, heartbeat_at=now, n_tries=1
    )

    assert not train_run(run_id=second.pk, clock=lambda: now)

    second.refresh_from_db()
    assert (second.status, second.n_tries) == (RunStatus.WAITING, 0)


def _both(do: Callable[[], object]) -> list[object]:
    """Do it in two threads at once, each with its own connection."""
    results: list[object] = []
    start = threading.Barrier(2)

    def one() -> None:
        start.wait()
        try:
            results.append(do())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_run(
    workflow: Workflow, snapshot: Snapshot, now: datetime
) -> None:
    found = _both(lambda: ask(workflow, snapshot, now=now))

    assert len(found) == 2
    assert found[0] == found[1]
    assert TrainingRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_for_a_fresh_snapshot_get_one(
    workflow: Workflow, now: datetime
) -> None:
    found = _both(lambda: ask(workflow, None, now=now))

    assert found[0] == found[1]
    assert Snapshot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_run_that_is_cancelled_while_it_is_taken_stays_cancelled(
    workflow: Workflow, snapshot: Snapshot, erin: User, now: datetime
) -> None:
    run = ask(workflow, snapshot, now=now)
    results: list[object] = []

    def take() -> None:
        try:
            results.append(train_run(run_id=run.pk, clock=lambda: now))
        finally:
            connection.close()

    worker = threading.Thread(target=take)
    with transaction.atomic():
        cancel_run(run=run, by=erin, now=now)
        worker.start()
        wait_for_a_lock()
    worker.join(10)

    run.refresh_from_db()
    assert results == [False]
    assert (run.status, run.n_tries) == (RunStatus.CANCELLED, 0)


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def wait_for_a_lock() -> None:
    """Wait until somebody waits for a row of ours."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    pytest.fail("nobody waited")
