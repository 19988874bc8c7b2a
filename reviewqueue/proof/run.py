"""Take one data set the whole way, and count at every step.

The rows are cut in the order of time: the first half trains version 1; the next 35 %
come in, are scored, reviewed over HTTP and partly answered by outcomes; a snapshot of
that trains version 2, and together with the first half version 3; the last 15 % are
scored by all three, versions 2 and 3 as shadows.
"""

import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import call_command
from django.utils import timezone

from predictions.enums import IntakeSource
from predictions.intake.columns import ColumnMap
from predictions.intake.tables import read_csv
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.intake import store_items
from reviewqueue.enums import OPEN_STATUSES, SnapshotStatus
from reviewqueue.models import Case, Snapshot
from reviewqueue.proof.batches import write_batch, write_table
from reviewqueue.proof.counting import compare_versions, count_stored
from reviewqueue.proof.data_sets import Row
from reviewqueue.proof.ledger import Comparison, Counts, Run
from reviewqueue.proof.people import People, people_of
from reviewqueue.proof.reviewing import ProofFailed, Task, review_all
from reviewqueue.proof.serving import ApiClient
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import (
    build_snapshot,
    request_snapshot,
    stream_snapshot,
)

FIRST_SHARE, LIVE_SHARE = 0.5, 0.35
BROKEN_SHARE, AGAIN_SHARE = 0.01, 0.02
BATCH_SIZE = 1000
OUTCOMES_PER_REQUEST = 1000

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One data set to be taken the whole way."""

    name: str
    declaration: Path
    slug: str
    rows: Sequence[Row]  # in the order of time
    outcome_share: float


class Proof:
    """The state of one run; the steps below are called in their order."""

    def __init__(self, job: Job, *, scratch: Path, port: int, seed: int) -> None:
        n_first = int(len(job.rows) * FIRST_SHARE)
        n_live = int(len(job.rows) * LIVE_SHARE)
        self.job = job
        self.first = job.rows[:n_first]
        self.live = job.rows[n_first : n_first + n_live]
        self.last = job.rows[n_first + n_live :]
        self.truth = {row.external_id: row.label for row in job.rows}
        self.scratch, self.port, self.seed = scratch, port, seed
        self.rng = np.random.default_rng(seed)
        self.counts = Counts(
            rows_first=n_first, rows_live=n_live, rows_last=len(self.last)
        )
        self._workflow: Workflow | None = None
        self._people: People | None = None

    @property
    def workflow(self) -> Workflow:
        if self._workflow is None:
            self._workflow = Workflow.objects.get(slug=self.job.slug)
        return self._workflow

    @property
    def people(self) -> People:
        if self._people is None:
            self._people = people_of(self.workflow.scope, now=timezone.now())
        return self._people

    @property
    def _first_file(self) -> Path:
        return self.scratch / f"{self.job.slug}-first.csv"

    def declare(self) -> None:
        """Declare the workflow. Raises: ProofFailed when it holds items already."""
        if Item.objects.filter(workflow__slug=self.job.slug).exists():
            raise ProofFailed(f"{self.job.slug} holds items: use an empty database")
        _command("declare", str(self.job.declaration))

    def train_first(self) -> str:
        """Train version 1 on the first rows and promote it."""
        write_table(
            self._first_file, self.first, self.workflow.declaration, with_label=True
        )
        said = _command(
            "train",
            self.job.slug,
            file=self._first_file,
            label="label",
            seed=self.seed,
            promote="first model",
        )
        self.counts.trained_first = _n_trained(self._version(1))
        return said

    def send_live(self) -> None:
        """Send the rows to review; about as many as make a percent are broken."""
        self._send(self.live, name="live")

    def send_last(self) -> None:
        """Send the last rows, which all versions score."""
        self._send(self.last, name="last")

    def _send(self, rows: Sequence[Row], *, name: str) -> None:
        counts = self.counts
        n_broken = max(int(len(rows) * BROKEN_SHARE), 7)
        n_again = max(int(len(rows) * AGAIN_SHARE), 5)
        path = self.scratch / f"{self.job.slug}-{name}.csv"
        declaration = self.workflow.declaration
        write_batch(
            path, rows, declaration, n_broken=n_broken, n_again=n_again, rng=self.rng
        )
        counts.n_broken += n_broken
        counts.n_again += n_again
        with path.open("rb") as file:
            result = store_items(
                workflow=self.workflow,
                chunks=read_csv(file, declaration, ColumnMap()),
                source=IntakeSource.COMMAND,
                now=timezone.now(),
                wake=False,
            )
        counts.sent += _n_lines(path)
        counts.accepted += result.accepted
        counts.duplicates += result.duplicates
        counts.quarantined += result.n_quarantined

    def score(self) -> None:
        """Score and route whatever waits."""
        while process_batch(
            workflow=self.workflow, limit=BATCH_SIZE, now=timezone.now()
        ):
            pass

    def review(self) -> None:
        """Let the simulated reviewers work over HTTP until no case is open."""
        open_cases = Case.objects.filter(
            workflow=self.workflow, status__in=OPEN_STATUSES
        )
        task = Task(self.workflow.declaration, self.truth, self.port, self.seed)
        tally = review_all(task, self.people.reviewers, n_open=open_cases.count)
        self.counts.requests = tally.requests
        self.counts.acknowledged = tally.acknowledged
        self.counts.repeated = tally.repeated

    def send_outcomes(self) -> None:
        """Send the truth of a random share of the live rows, seen or not."""
        known = [row for row in self.live if self.rng.random() < self.job.outcome_share]
        now = timezone.now().isoformat()
        client = ApiClient(self.port, self.people.integration)
        for start in range(0, len(known), OUTCOMES_PER_REQUEST):
            body = [
                {"external_id": row.external_id, "label": row.label, "observed_at": now}
                for row in known[start : start + OUTCOMES_PER_REQUEST]
            ]
            answer = client.post(f"workflows/{self.job.slug}/outcomes", body)
            if answer.status != 202 or answer.body["accepted"] != len(body):
                raise ProofFailed(f"outcomes: {answer.status}: {answer.body}")
        client.close()
        self.counts.outcomes_sent = len(known)

    def export(self) -> Snapshot:
        """Build a snapshot of everything labelled, and read its CSV back."""
        asked = request_snapshot(
            workflow=self.workflow,
            filters=SnapshotFilters(),
            by=None,
            now=timezone.now(),
        )
        build_snapshot(snapshot_id=asked.pk, clock=timezone.now)
        snapshot = Snapshot.objects.get(pk=asked.pk)
        if snapshot.status != SnapshotStatus.READY:
            raise ProofFailed(f"snapshot: {snapshot.status}: {snapshot.failure}")
        text = b"".join(stream_snapshot(snapshot, "csv")).decode()
        rows = csv.reader(io.StringIO(text, newline=""))
        self.counts.file_rows = sum(1 for _ in rows) - 1
        self.counts.snapshot_rows = snapshot.n_rows
        return snapshot

    def train_again(self, snapshot: Snapshot) -> str:
        """Train version 2 on the snapshot, version 3 on the first rows as well.

        Both score what comes from then on, as shadows.
        """
        common = {"snapshot": snapshot.pk, "seed": self.seed}
        second = _command("train", self.job.slug, **common)
        third = _command(
            "train", self.job.slug, file=self._first_file, label="label", **common
        )
        self.counts.trained_second = _n_trained(self._version(2))
        self.counts.trained_third = _n_trained(self._version(3))
        for number in ("2", "3"):
            _command(
                "promote", self.job.slug, number, stage="shadow", reason="to compare"
            )
        return f"{second}\n{third}"

    def count(self) -> None:
        """Count what the database holds in the end."""
        count_stored(self.counts, self.workflow, {row.external_id for row in self.last})

    def compare(self) -> Comparison:
        """Hold the versions against the truth of the last rows."""
        return compare_versions(self.workflow, self.last)

    def _version(self, number: int) -> ModelVersion:
        return ModelVersion.objects.get(workflow=self.workflow, number=number)


def run(job: Job, *, scratch: Path, port: int, seed: int, say: Say) -> Run:
    """Take a data set the whole way. Raises: ProofFailed, CommandError."""
    began = time.monotonic()
    proof = Proof(job, scratch=scratch, port=port, seed=seed)
    proof.declare()
    say(proof.train_first())
    proof.send_live()
    proof.score()
    say(f"{job.slug}: {proof.counts.accepted:,} items scored; review begins")
    proof.review()
    proof.send_outcomes()
    say(f"{job.slug}: {proof.counts.acknowledged:,} decisions over HTTP")
    say(proof.train_again(proof.export()))
    proof.send_last()
    proof.score()
    proof.count()
    seconds = time.monotonic() - began
    return Run(job.name, job.slug, proof.counts, proof.compare(), seconds)


def _command(name: str, *arguments: str, **options: Any) -> str:  # noqa: ANN401 -- options of any command
    output = io.StringIO()
    call_command(name, *arguments, stdout=output, **options)
    return output.getvalue().strip()


def _n_trained(version: ModelVersion) -> int:
    split = version.report["split"]
    return sum(int(split[part]["n"]) for part in ("train", "calibrate", "test"))


def _n_lines(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1
