"""What a worker makes of a training run; each run here trains in its own process."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.conf import settings as dj_settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from lifecycle.enums import RunStatus
from lifecycle.models import GateRun, TrainingRun
from lifecycle.services.training_runs import cancel_run
from lifecycle.services.training_work import train_run
from predictions.learning.candidate_spec import ENTRY_POINT, CandidateSpec
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.references import reference_of
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Notice
from tests.faults.processes import descendants, is_alive
from tests.lifecycle.gate_world import declare_gates
from tests.lifecycle.own_models import MODULE
from tests.lifecycle.training_steps import (
    BASELINE,
    GRADIENT,
    ask,
    labelled_snapshot,
    worked,
)

CHILD = "predictions.learning.training_child"


def own(name: str) -> CandidateSpec:
    return CandidateSpec(ENTRY_POINT, f"{MODULE}:{name}")


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    names = ("fit", "raises", "nothing", "hangs", "hungry", "no_function", "absent")
    settings.TRAINING_ENTRY_POINTS = [f"{MODULE}:{name}" for name in names]


@pytest.mark.django_db
def test_candidates_are_registered_and_compared_on_the_same_rows(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    snapshot = labelled_snapshot(workflow, now=now)
    amount = CandidateSpec("logistic", features=("amount",))
    wanted = [GRADIENT, amount, BASELINE, own("fit")]
    bad = ("raises", "nothing", "hungry", "no_function", "absent")

    run = worked(ask(workflow, snapshot, *wanted, *map(own, bad), now=now, by=erin))

    assert (run.status, run.said, run.n_done) == (RunStatus.DONE, "", run.n_steps)
    outcomes = run.report["candidates"]
    boosted, alone, baseline, engineers, *failed = outcomes
    versions = list(ModelVersion.objects.order_by("number"))
    assert [v.name for v in versions] == [
        "gradient boosting",
        "logistic on 1 feature",
        "baseline",
        f"{MODULE}:fit",
    ]
    assert [one["version"]["id"] for one in outcomes[:4]] == [
        str(v.pk) for v in versions
    ]
    assert [c["name"] for c in versions[1].columns] == ["amount"]
    for version in versions:
        assert (version.snapshot_id, version.created_by) == (snapshot.pk, erin)
        assert version.report["training_run"] == str(run.pk)
        assert version.report["snapshot_sha256"] == snapshot.sha256
        assert version.report["data_sha256"]
        assert reference_of(version) is not None
    _check_figures(boosted, alone, baseline, engineers)
    whys = (one["why_not"].removeprefix(f"{MODULE}:") for one in failed)
    assert [re.sub(r"\d+", "…", why) for why in whys] == [
        "raises raised ValueError in line … of raises",
        "what it returned has no classes_",
        "hungry raised MemoryError in line … of hungry",
        "no_function is no function",
        "absent raised AttributeError in line … of _imported",
    ]
    assert "cannot learn from" not in json.dumps(run.report)
    notice = Notice.objects.get(kind=NoticeKind.TRAINING_ENDED)
    assert notice.text == "Training is done (by hand): 4 candidates registered."


@pytest.mark.django_db
def test_versions_of_a_run_are_held_against_the_gates(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    snapshot = labelled_snapshot(workflow, now=now)
    gates = '[[gates]]\nkind = "schema_match"\n'
    workflow = declare_gates(workflow, gates=gates, now=now)

    run = worked(ask(workflow, snapshot, BASELINE, now=now, by=erin))

    held = GateRun.objects.get()
    assert held.model_version == ModelVersion.objects.get()
    assert (held.snapshot, held.created_by) == (snapshot, erin)
    assert run.status == RunStatus.DONE


def _check_figures(
    boosted: Any,  # noqa: ANN401 -- JSON
    alone: Any,  # noqa: ANN401 -- JSON
    baseline: Any,  # noqa: ANN401 -- JSON
    engineers: Any,  # noqa: ANN401 -- JSON
) -> None:
    figures = [one["figures"] for one in (boosted, alone, baseline, engineers)]
    assert len({one["auc"]["n"] for one in figures}) == 1
    assert baseline["figures"]["auc"]["value"] == 0.5
    assert boosted["figures"]["auc"]["value"] > 0.8
    assert boosted["figures"]["auc"]["low"] < boosted["figures"]["auc"]["value"]
    assert min(one["dearer"]["value"] for one in figures) == 0
    assert baseline["figures"]["dearer"]["low"] > 0


@pytest.mark.django_db
def test_leaking_column_is_found_with_its_items(
    workflow: Workflow, client: Client, erin: User, now: datetime
) -> None:
    snapshot = labelled_snapshot(workflow, 600, now=now, leak=True)

    run = worked(ask(workflow, snapshot, BASELINE, now=now))

    leaks = [one for one in run.problems["found"] if one["kind"] == "leak"]
    assert [one["column"] for one in leaks] == ["night"]
    rows = leaks[0]["rows"]
    assert len(rows) == 50
    assert {row["label"] for row in rows} == {"fraud"}
    items = Item.objects.in_bulk([row["item_id"] for row in rows])
    for row in rows:
        item = items[UUID(row["item_id"])]
        assert item.external_id == row["external_id"]
        assert item.features["night"] is True
    client.force_login(erin)
    page = client.get(f"/w/cards/training/{run.pk}/").content.decode()
    assert "night alone predicts the label almost perfectly" in page
    assert f'href="/w/cards/items/{rows[0]["item_id"]}/"' in page
    number = run.report["candidates"][0]["version"]["number"]
    assert f">v{number}</a> baseline" in page
    version = ModelVersion.objects.get()
    about = client.get(f"/w/cards/models/{version.pk}/").content.decode()
    assert f'href="/w/cards/training/{run.pk}/"' in about


@pytest.mark.django_db
def test_same_run_gives_the_same_artifacts_and_registers_them_once(
    workflow: Workflow, now: datetime
) -> None:
    snapshot = labelled_snapshot(workflow, 600, now=now)
    first = worked(ask(workflow, snapshot, GRADIENT, now=now))
    TrainingRun.objects.filter(pk=first.pk).update(status=RunStatus.FAILED)

    second = worked(ask(workflow, snapshot, GRADIENT, now=now))

    assert second.pk != first.pk
    one, other = (run.report["candidates"][0]["version"] for run in (first, second))
    assert one["sha256"] == other["sha256"]
    assert one["number"] != other["number"]
    assert first.report["data_sha256"] == second.report["data_sha256"]
    before = second.report
    # as if its worker had died between the version and the end
    TrainingRun.objects.filter(pk=second.pk).update(
        status=RunStatus.RUNNING, ended_at=None, report=None, heartbeat_at=now
    )
    again = worked(second)
    assert (again.status, again.n_tries) == (RunStatus.DONE, 2)
    assert again.report == before
    assert ModelVersion.objects.count() == 2


@pytest.mark.django_db
def test_run_beyond_its_time_fails_in_words(
    workflow: Workflow, now: datetime, settings: Settings
) -> None:
    settings.TRAINING_LIMIT_SECONDS = 0.5
    snapshot = labelled_snapshot(workflow, 600, now=now)

    run = worked(ask(workflow, snapshot, own("hangs"), now=now))

    assert run.status == RunStatus.FAILED
    assert run.said == "It took longer than 0.5 seconds."
    assert children() == []


@pytest.mark.django_db(transaction=True)
def test_one_of_two_workers_takes_a_run_and_cancelling_ends_its_process(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    run = hanging_run(workflow, now=now)
    with working(run):
        assert not train_run(run_id=run.pk, clock=timezone.now)
        assert len(children()) == 1
        cancelled = time.monotonic()
        cancel_run(run=run, by=erin, now=timezone.now())
        until(lambda: status_of(run) == RunStatus.CANCELLED)
        took = time.monotonic() - cancelled

    run.refresh_from_db()
    assert took < 5
    assert (run.said, run.n_tries) == ("Cancelled by Erin.", 1)
    assert children() == []


@pytest.mark.django_db(transaction=True)
def test_killed_process_is_tried_again_three_times_at_most(
    workflow: Workflow, now: datetime
) -> None:
    run = hanging_run(workflow, now=now)
    TrainingRun.objects.filter(pk=run.pk).update(n_tries=1)
    for n_tries in (2, 3):
        with working(run):
            os.kill(children()[0], signal.SIGKILL)
        run.refresh_from_db()
        expected = RunStatus.WAITING if n_tries < 3 else RunStatus.FAILED
        assert (run.status, run.n_tries) == (expected, n_tries)

    assert run.said == "Its process was ended by signal 9. 3 tries ended so."
    assert not train_run(run_id=run.pk, clock=timezone.now)


@pytest.mark.django_db(transaction=True)
def test_worker_that_lost_its_run_writes_nothing(
    workflow: Workflow, erin: User, now: datetime
) -> None:
    run = hanging_run(workflow, now=now)
    later = timezone.now() + timedelta(seconds=61)
    with working(run):
        # it is taken for dead: another worker takes the run over
        TrainingRun.objects.filter(pk=run.pk).update(
            worker_token=None, heartbeat_at=later, n_tries=2, step="of the other"
        )

    run.refresh_from_db()
    assert (run.status, run.step) == (RunStatus.RUNNING, "of the other")
    assert children() == []


@pytest.mark.django_db(transaction=True)
def test_run_of_a_killed_worker_is_resumed_by_another(
    workflow: Workflow, now: datetime
) -> None:
    run = hanging_run(workflow, now=now)
    with worker_process(run) as worker:
        until(lambda: step_of(run).startswith("Training"), seconds=90)
        before = [pid for pid, line in descendants(worker).items() if CHILD in line]
        os.kill(worker, signal.SIGKILL)
        # its training process ends with it, and nobody else takes the run before
        # it has been silent for a minute
        until(lambda: not any(map(is_alive, before)), seconds=10)
    assert len(before) == 1
    assert not train_run(run_id=run.pk, clock=timezone.now)
    TrainingRun.objects.filter(pk=run.pk).update(asked=[BASELINE.to_json()])

    resumed = train_run(
        run_id=run.pk, clock=lambda: timezone.now() + timedelta(seconds=61)
    )

    run.refresh_from_db()
    assert resumed
    assert (run.status, run.n_tries) == (RunStatus.DONE, 2)
    assert ModelVersion.objects.count() == 1


def hanging_run(workflow: Workflow, *, now: datetime) -> TrainingRun:
    snapshot = labelled_snapshot(workflow, 600, now=now)
    return ask(workflow, snapshot, own("hangs"), now=now)


class working:  # noqa: N801 -- reads as what it does
    """A worker in a thread at a run that hangs; on leaving, it must have ended."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        try:
            train_run(run_id=self.run.pk, clock=timezone.now)
        finally:
            connection.close()

    def __enter__(self) -> None:
        self.thread.start()
        until(lambda: step_of(self.run).startswith("Training"), seconds=90)

    def __exit__(self, *exc: object) -> None:
        self.thread.join(30)
        assert not self.thread.is_alive()


def step_of(run: TrainingRun) -> str:
    return TrainingRun.objects.values_list("step", flat=True).get(pk=run.pk)


def status_of(run: TrainingRun) -> str:
    return TrainingRun.objects.values_list("status", flat=True).get(pk=run.pk)


def children() -> list[int]:
    found = descendants(os.getpid())
    return [pid for pid, line in found.items() if CHILD in line]


def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


WORKER = """
import sys
from uuid import UUID
import django
django.setup()
from django.utils import timezone
from lifecycle.services.training_work import train_run
train_run(run_id=UUID(sys.argv[1]), clock=timezone.now)
"""


@contextmanager
def worker_process(run: TrainingRun) -> Iterator[int]:
    """A worker of its own, on the tests' database."""
    known = connection.settings_dict
    place = quote(known["HOST"], safe="")
    who = f"{quote(known['USER'])}:{quote(known['PASSWORD'])}"
    url = f"postgresql://{who}@/{known['NAME']}?host={place}&port={known['PORT']}"
    if not known["HOST"].startswith("/"):
        url = f"postgresql://{who}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    media = str(dj_settings.MEDIA_ROOT)
    own_words = {"DATABASE_URL": url, "COUNTERSIGN_MEDIA_ROOT": media}
    own_words["TRAINING_ENTRY_POINTS"] = ",".join(dj_settings.TRAINING_ENTRY_POINTS)
    started = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(run.pk)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **own_words},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started.pid
    finally:
        started.kill()
        started.wait()
