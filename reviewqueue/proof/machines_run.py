"""Take readings the whole way over HTTP, and count at every step."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.utils import timezone
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from predictions.declaration_series import Series
from predictions.declaration_text import without_gates
from predictions.models import (
    Item,
    ItemWindow,
    MachineFailure,
    PendingScore,
    Prediction,
    SeriesReading,
    Workflow,
)
from predictions.services.windows import IDLE, close_idle_windows
from reviewqueue.enums import OPEN_STATUSES, LabelSource
from reviewqueue.models import Case, Decision, Label, Outcome, Route
from reviewqueue.proof.client import ApiClient
from reviewqueue.proof.ledger import Identity
from reviewqueue.proof.machines import (
    Ended,
    Reading,
    as_sent,
    failing_by_file,
    windows_by_file,
)
from reviewqueue.proof.people import ADJUDICATES, People, people_of
from reviewqueue.proof.reviewing import Habits, Task, review_all
from reviewqueue.proof.steps import (
    ProofFailed,
    command,
    expected,
    exported,
    wait_until_none,
)
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.reliance import Together, reliance_report
from reviewqueue.services.policies import TERMS, PolicyTerms, put_policy

FIRST_SHARE: Final = 0.6
SECOND_SHARE: Final = 0.2
# Nobody knows what a machine will do within the hour: they are right by far not always.
HABITS: Final = (
    Habits(accuracy=0.75, follows=0.2, doubts=0.02),
    Habits(accuracy=0.7, follows=0.3, doubts=0.02),
    Habits(accuracy=0.8, follows=0.1, doubts=0.02),
)

type Say = Callable[[str], None]


@dataclass(slots=True)
class SeriesProof:
    """What a run counted, and what the alarms were worth."""

    sums: list[Identity] = field(default_factory=list)
    alarms: Mapping[str, Any] = field(default_factory=dict)
    together: Together | None = None
    accuracy: float = float("nan")  # of a model of the reader's own, on the snapshot
    trained: str = ""

    @property
    def broken(self) -> list[Identity]:
        return [one for one in self.sums if not one.holds]


class MachinesRun:
    """The state of one run; the steps below are called in their order."""

    def __init__(
        self,
        readings: Sequence[Reading],
        *,
        declaration: Path,
        scratch: Path,
        port: int,
        seed: int,
    ) -> None:
        # No moment lies on both sides.
        begun = readings[int(len(readings) * FIRST_SHARE)].at
        self.first = [one for one in readings if one.at < begun]
        self.live = [one for one in readings if one.at >= begun]
        self.declaration, self.scratch, self.port = declaration, scratch, port
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.proof = SeriesProof()

    @cached_property
    def workflow(self) -> Workflow:
        return Workflow.objects.get(slug=self.declaration.stem)

    @cached_property
    def people(self) -> People:
        made = people_of(self.workflow.scope, now=timezone.now())
        keys = [key for key, _ in made.reviewers]
        pairs = list(zip(keys, [*HABITS, ADJUDICATES], strict=True))
        return replace(made, reviewers=pairs)

    def learn(self) -> None:
        """Declare the workflow, and train on the windows of the first readings."""
        if Item.objects.exists():
            raise ProofFailed("there are items: use an empty database")
        source = without_gates(self.declaration.read_text(encoding="utf-8"))
        path = self.scratch / self.declaration.name
        path.write_text(source, encoding="utf-8")
        command("declare", str(path))
        readings, failures = self._write_first()
        self.proof.trained = command(
            "import_readings",
            self.workflow.slug,
            str(readings),
            failures=failures,
            learn=True,
            promote="first model",
            seed=self.seed,
        )
        in_force = policy_in_force(self.workflow)
        terms = {name: getattr(in_force, name) for name in TERMS}
        put_policy(
            workflow=self.workflow,
            terms=PolicyTerms(**(terms | {"second_opinion_share": SECOND_SHARE})),
            by=None,
            reason="more second readers",
            now=timezone.now(),
        )

    def _write_first(self) -> tuple[Path, Path]:
        readings = self.scratch / "readings.csv"
        failures = self.scratch / "failures.csv"
        names = list(self.first[0].values)
        with readings.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(["machine", "at", *names])
            writer.writerows(
                [one.machine, one.at.isoformat(), *(one.values[name] for name in names)]
                for one in self.first
            )
        with failures.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(["machine", "at", "kind"])
            writer.writerows(
                [one.machine, one.at.isoformat(), one.failure]
                for one in self.first
                if one.failure
            )
        return readings, failures

    def send(self) -> None:
        """Send the live readings over HTTP, some twice, some broken, some late."""
        sent = as_sent(self.live, rng=self.rng)
        told = {"accepted": 0, "duplicates": 0, "n_refused": 0, "late": 0, "items": 0}
        client = ApiClient(self.port, self.people.integration)
        for batch in sent.batches:
            path = f"workflows/{self.workflow.slug}/readings"
            body = expected(client.post_lines(path, batch), 202, "readings")
            for name in told:
                told[name] += body[name]
        client.close()
        # What the sweep does five minutes after the last reading.
        n_swept = close_idle_windows(now=timezone.now() + IDLE)
        wait_until_none(PendingScore.objects.count, "items wait and nobody scores them")
        stored = SeriesReading.objects.filter(machine__workflow=self.workflow)
        items = Item.objects.filter(workflow=self.workflow).count()
        n_windows = len(self.windows)
        self._sum("readings of the file: accepted", len(self.live), told["accepted"])
        self._sum("accepted: rows", told["accepted"], stored.count())
        self._sum("planted again: duplicates", sent.n_again, told["duplicates"])
        self._sum("planted broken: refused", sent.n_broken, told["n_refused"])
        self._sum("held back: late", sent.n_late, told["late"])
        late = stored.filter(is_late=True).count()
        self._sum("late: marked", told["late"], late)
        self._sum("windows by the file: items", n_windows, items)
        self._sum("items told, and swept: items", told["items"] + n_swept, items)
        self._sum("items: windows stored", items, ItemWindow.objects.count())
        self._sum("items: predictions", items, Prediction.objects.count())
        self._sum("items: routes", items, Route.objects.count())

    def review(self) -> None:
        """Let simulated people work over HTTP until no case is open."""
        waiting = Case.objects.filter(status__in=OPEN_STATUSES)
        truth = {
            name: "failure" if name in self.failing else "running"
            for name in self.windows
        }
        task = Task(self.workflow.declaration, truth, self.port, self.seed)
        tally = review_all(task, self.people.reviewers, n_open=waiting.count)
        stored = Decision.objects.count()
        self._sum("decisions acknowledged: stored", tally.acknowledged, stored)
        to_people = Route.objects.filter(kind="review").count()
        opened = Case.objects.filter(kind="review").count()
        self._sum("routes to people: first cases", to_people, opened)
        report = reliance_report(self.workflow, days=30, now=timezone.now(), only=None)
        self.proof.together = report.together

    def fail(self) -> None:
        """Send the failures over HTTP, twice, and count the late truth they make."""
        failed = [
            {"machine": one.machine, "at": one.at.isoformat(), "kind": one.failure}
            for one in self.live
            if one.failure
        ]
        until = max(one.at for one in self.live)
        body = {"failures": failed, "complete_until": until.isoformat()}
        client = ApiClient(self.port, self.people.integration)
        path = f"workflows/{self.workflow.slug}/failures"
        told = expected(client.post(path, body), 202, "failures")
        again = expected(client.post(path, body), 202, "failures")
        self.proof.alarms = expected(
            client.get(f"workflows/{self.workflow.slug}/alarms"), 200, "alarms"
        )
        client.close()
        stored = MachineFailure.objects.count()
        self._sum("failures of the file: stored", len(failed), stored)
        self._sum("sent again: duplicates", len(failed), again["duplicates"])
        self._sum("sent again: nothing labelled", 0, again["labelled"])
        outcomes = Outcome.objects.count()
        self._sum("labelled: outcomes", told["labelled"], outcomes)
        self._sum("outcomes by the file: stored", self._n_known(until), outcomes)
        model = self.proof.alarms["model"]["failures"]
        parts = model["caught"] + model["too_late"] + model["missed"]
        self._sum("failures: caught, too late, missed", model["n"], parts)
        judged = self.proof.alarms["n_items"] + self.proof.alarms["n_waiting"]
        within = ItemWindow.objects.filter(ends_at__lte=until).count()
        self._sum("items until then: judged and waiting", within, judged)

    def export(self) -> None:
        """Have a snapshot built; open it with scikit-learn, and as JSON lines."""
        client = ApiClient(self.port, self.people.integration)
        found, [table, objects] = exported(client, self.workflow.slug, "csv", "jsonl")
        client.close()
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        lines = [json.loads(line) for line in objects.splitlines()]
        newest = Label.objects.order_by("item_id", "-version").distinct("item_id")
        labelled = sum(label != "" for label in newest.values_list("label", flat=True))
        self._sum("items with a label: rows", labelled, found["n_rows"])
        self._sum("rows: rows of the CSV", found["n_rows"], len(rows))
        self._sum("rows: lines of JSON", found["n_rows"], len(lines))
        self.proof.accuracy = _learnt_elsewhere(rows)

    @cached_property
    def series(self) -> Series:
        series = self.workflow.declaration.series
        if series is None:
            raise ProofFailed("the workflow declares no series")
        return series

    @cached_property
    def windows(self) -> dict[str, Ended]:
        """Which items there must be, reckoned by the file alone."""
        return windows_by_file(self.live, self.series)

    @cached_property
    def failing(self) -> set[str]:
        """The items within whose horizon the machine fails, by the file."""
        return failing_by_file(self.live, self.windows, self.series)

    def _n_known(self, until: datetime) -> int:
        """Reckon by the file and people's labels how many outcomes there must be."""
        horizon = timedelta(minutes=self.series.horizon_minutes)
        alarmed = alarmed_by_people(self.workflow)
        return sum(
            name in self.failing
            or (window.at + horizon <= until and name not in alarmed)
            for name, window in self.windows.items()
        )

    def _sum(self, text: str, left: int, right: int) -> None:
        self.proof.sums.append(Identity(text, left, right))


def alarmed_by_people(workflow: Workflow) -> set[str]:
    """Return the items that people last called a failure."""
    labels = (
        Label.objects.filter(workflow=workflow)
        .exclude(source=LabelSource.OUTCOME)
        .order_by("item_id", "-version")
        .distinct("item_id")
        .values_list("item__external_id", "label")
    )
    positives = workflow.declaration.positive_labels
    return {name for name, label in labels if label in positives}


def _learnt_elsewhere(rows: Sequence[Mapping[str, str]]) -> float:
    """Fit scikit-learn's own model on a snapshot's CSV; the AUC on its newest third."""
    ordered = sorted(rows, key=lambda row: row["occurred_at"])
    features = [
        {
            name: float(value)
            for name, value in row.items()
            if name.startswith("f_") and _is_number(value)
        }
        for row in ordered
    ]
    labels = [row["label"] == "failure" for row in ordered]
    cut = len(ordered) * 2 // 3
    model = make_pipeline(
        DictVectorizer(sparse=False),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
    model.fit(features[:cut], labels[:cut])
    scores = model.predict_proba(features[cut:])[:, 1]
    return float(roc_auc_score(labels[cut:], scores))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def run(proof: MachinesRun, *, say: Say) -> SeriesProof:
    """Take the readings the whole way. Raises: ProofFailed, CommandError."""
    proof.learn()
    say(proof.proof.trained)
    proof.send()
    say(f"{len(proof.windows):,} items; review begins")
    proof.review()
    proof.fail()
    proof.export()
    return proof.proof
