"""Take one data set the whole way, and count at every step.

The rows are cut in the order of time: the first half trains version 1; the next 35 %
come in over HTTP, are scored by the worker, reviewed over HTTP and partly answered by
outcomes; a snapshot of that, built by the worker, trains version 2, and together with
the first half version 3; the last 15 % come in as a file and are scored by all three,
versions 2 and 3 as shadows.
"""

import csv
import io
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from django.utils import timezone

from predictions.declaration_text import without_gates
from predictions.models import Item, ModelVersion, PendingScore, Workflow
from reviewqueue.enums import OPEN_STATUSES
from reviewqueue.models import Case, Snapshot
from reviewqueue.proof.batches import read_batch, write_batch, write_table
from reviewqueue.proof.client import ApiClient
from reviewqueue.proof.counting import compare_versions, count_stored
from reviewqueue.proof.data_sets import Row
from reviewqueue.proof.ledger import Comparison, Counts, Run
from reviewqueue.proof.people import People, people_of
from reviewqueue.proof.reviewing import Task, review_all
from reviewqueue.proof.steps import (
    ProofFailed,
    command,
    expected,
    exported,
    wait_until_none,
)

FIRST_SHARE, LIVE_SHARE = 0.5, 0.35
BROKEN_SHARE, AGAIN_SHARE = 0.01, 0.02
ITEMS_PER_REQUEST = 2000
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

    @cached_property
    def workflow(self) -> Workflow:
        return Workflow.objects.get(slug=self.job.slug)

    @cached_property
    def people(self) -> People:
        return people_of(self.workflow.scope, now=timezone.now())

    @property
    def _first_file(self) -> Path:
        return self.scratch / f"{self.job.slug}-first.csv"

    def declare(self) -> None:
        """Declare the workflow without its gates, which its first version comes before.

        Raises: ProofFailed when it holds items already.
        """
        if Item.objects.filter(workflow__slug=self.job.slug).exists():
            raise ProofFailed(f"{self.job.slug} holds items: use an empty database")
        source = self.job.declaration.read_text(encoding="utf-8")
        path = self.scratch / f"{self.job.slug}.toml"
        path.write_text(without_gates(source), encoding="utf-8")
        command("declare", str(path))

    def train_first(self) -> str:
        """Train version 1 on the first rows and promote it."""
        write_table(
            self._first_file, self.first, self.workflow.declaration, with_label=True
        )
        said = command(
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
        """Send the rows to review over HTTP; about one percent more are broken."""
        path = self._write_batch(self.live, name="live")
        lines = read_batch(path, self.workflow.declaration)
        client = ApiClient(self.port, self.people.integration)
        for sent in itertools.batched(lines, ITEMS_PER_REQUEST):
            answer = client.post_lines(f"workflows/{self.job.slug}/items", list(sent))
            body = expected(answer, 202, "items")
            self.counts.sent += len(sent)
            self.counts.accepted += body["accepted"]
            self.counts.duplicates += body["duplicates"]
            self.counts.quarantined += body["n_quarantined"]
        client.close()

    def send_last(self) -> None:
        """Ingest a file of the last rows, which all versions score."""
        path = self._write_batch(self.last, name="last")
        said = command("ingest", self.job.slug, str(path))
        self.counts.sent += _n_lines(path)
        self.counts.accepted += _told(said, "accepted")
        self.counts.duplicates += _told(said, "duplicates")
        self.counts.quarantined += _told(said, "refused")

    def _write_batch(self, rows: Sequence[Row], *, name: str) -> Path:
        n_broken = max(int(len(rows) * BROKEN_SHARE), 7)
        n_again = max(int(len(rows) * AGAIN_SHARE), 5)
        path = self.scratch / f"{self.job.slug}-{name}.csv"
        write_batch(
            path,
            rows,
            self.workflow.declaration,
            n_broken=n_broken,
            n_again=n_again,
            rng=self.rng,
        )
        self.counts.n_broken += n_broken
        self.counts.n_again += n_again
        return path

    def wait_for_scores(self) -> None:
        """Wait until the worker has scored and routed whatever waits."""
        waiting = PendingScore.objects.filter(workflow=self.workflow)
        wait_until_none(waiting.count, "items wait and nobody scores them")

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
            if expected(answer, 202, "outcomes")["accepted"] != len(body):
                raise ProofFailed(f"outcomes: {answer.body}")
        client.close()
        self.counts.outcomes_sent = len(known)

    def export(self) -> Snapshot:
        """Have a snapshot of everything labelled built, and download it as CSV."""
        client = ApiClient(self.port, self.people.integration)
        found, [text] = exported(client, self.job.slug, "csv")
        client.close()
        rows = csv.reader(io.StringIO(text, newline=""))
        self.counts.file_rows = sum(1 for _ in rows) - 1
        self.counts.snapshot_rows = found["n_rows"]
        return Snapshot.objects.get(pk=found["id"])

    def train_again(self, snapshot: Snapshot) -> str:
        """Train version 2 on the snapshot, version 3 on the first rows as well.

        Both score what comes from then on, as shadows.
        """
        common = {"snapshot": snapshot.pk, "seed": self.seed}
        second = command("train", self.job.slug, **common)
        third = command(
            "train", self.job.slug, file=self._first_file, label="label", **common
        )
        self.counts.trained_second = _n_trained(self._version(2))
        self.counts.trained_third = _n_trained(self._version(3))
        for number in ("2", "3"):
            command(
                "promote", self.job.slug, number, stage="shadow", reason="to compare"
            )
        return f"{second}\n{third}"

    def count(self) -> None:
        """Count what the database holds in the end."""
        last_ids = {row.external_id for row in self.last}
        count_stored(self.counts, self.workflow, truth=self.truth, last_ids=last_ids)

    def compare(self) -> Comparison:
        """Hold the versions against the truth of the last rows."""
        return compare_versions(self.workflow, self.last)

    def _version(self, number: int) -> ModelVersion:
        return ModelVersion.objects.get(workflow=self.workflow, number=number)


def run(job: Job, *, scratch: Path, port: int, seed: int, say: Say) -> Run:
    """Take a data set the whole way. Raises: ProofFailed, CommandError."""
    proof = Proof(job, scratch=scratch, port=port, seed=seed)
    one = Run(job.name, job.slug, proof.counts)
    with _timed(one, "declare, train version 1"):
        proof.declare()
        say(proof.train_first())
    with _timed(one, "send over HTTP, score, route"):
        proof.send_live()
        proof.wait_for_scores()
    say(f"{job.slug}: {proof.counts.accepted:,} items scored; review begins")
    with _timed(one, "review over HTTP"):
        proof.review()
    say(f"{job.slug}: {proof.counts.acknowledged:,} decisions over HTTP")
    with _timed(one, "send outcomes"):
        proof.send_outcomes()
    with _timed(one, "build and download the snapshot"):
        snapshot = proof.export()
    with _timed(one, "train versions 2 and 3"):
        say(proof.train_again(snapshot))
    with _timed(one, "ingest the last rows, score by three, route"):
        proof.send_last()
        proof.wait_for_scores()
    proof.count()
    one.comparison = proof.compare()
    return one


@contextmanager
def _timed(run: Run, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    run.seconds[step] = time.monotonic() - began


def _told(said: str, word: str) -> int:
    """Read one figure of what `ingest` says."""
    found = re.search(rf"([\d,]+) {word}", said)
    if found is None:
        raise ProofFailed(f"ingest says nothing of {word}: {said}")
    return int(found[1].replace(",", ""))


def _n_trained(version: ModelVersion) -> int:
    split = version.report["split"]
    return sum(int(split[part]["n"]) for part in ("train", "calibrate", "test"))


def _n_lines(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1
