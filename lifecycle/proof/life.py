"""Live through the months: train, gate, shadow, compare, promote, watch."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from lifecycle.judging.business import Measured
from lifecycle.models import Reading, TrainingRun
from lifecycle.proof.candidates import Planted, plant_candidates
from lifecycle.proof.jobs import JobFailed, asked_run, held, trained_by
from lifecycle.proof.line import WATCHED, Line
from lifecycle.proof.options import ProofOptions
from lifecycle.proof.rows import Drawn
from lifecycle.queries.comparison import Report, report_of
from lifecycle.queries.paired import basis_of
from lifecycle.services.retraining import consider_retraining
from predictions.enums import Stage
from predictions.models import GateReport, ModelVersion
from predictions.services.promotion import StageRefused
from reviewqueue.proof.data_sets import Row
from reviewqueue.replay.passing import Say, looks_of, relax_commits
from reviewqueue.replay.people import people_of, review_all

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
DRIFT: Final = frozenset({"drift_scores", "drift_features"})


@dataclass
class VersionLife:
    """What became of one version; moments as ISO texts."""

    number: int
    why: str
    trained_at: str
    n_rows: int
    n_positive: int
    problems: list[str]
    figures: Mapping[str, Any] | None
    gates: list[Mapping[str, Any]]
    verdict: str
    evidence: Mapping[str, Any]
    comparison: Mapping[str, Any] | None = None
    promoted_at: str = ""
    ended: str = ""
    drift: list[Mapping[str, Any]] = field(default_factory=list)
    business: Mapping[str, Any] | None = None


@dataclass
class Lived:
    """What the months brought."""

    versions: list[VersionLife] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    weeks: list[Mapping[str, Any]] = field(default_factory=list)
    alerts: list[Mapping[str, Any]] = field(default_factory=list)
    n_decided: int = 0
    took_seconds: dict[str, float] = field(default_factory=dict)


class Life:
    """One workflow from January on; every service is told the stream's own moment."""

    def __init__(self, line: Line, drawn: Drawn, options: ProofOptions) -> None:
        self.line, self.drawn, self.options = line, drawn, options
        self.lived = Lived()
        self.truth = {row.external_id: row.label for row in (*drawn.past, *drawn.live)}
        self._rng = np.random.default_rng([options.seed, 2])
        self._now = midnight(drawn.past[0].occurred_at)
        self._people = people_of(
            line.workflow, n=options.habits.n_people, now=self._now
        )
        self._beside: tuple[ModelVersion, VersionLife, datetime] | None = None
        self._in_force: VersionLife | None = None
        self._drift_at = self._now

    def begin(self, say: Say) -> None:
        """Live through January without a model: people see all; then train on it."""
        relax_commits()
        for moment, rows in looks_of(self.drawn.past, begin=self._now, per_day=1):
            self._arrive(rows, moment)
        self._now = max(self._now, self._end_of_past())
        say(f"January: {self.lived.n_decided:,} decisions")
        with self._timed("train and hold against gates"):
            run = asked_run(self._workflow, seed=self.options.seed, now=self._now)
            version, life = self._trained(run, why="January")
        try:
            self._promote(version, life)
        except StageRefused as refusal:
            raise JobFailed(f"the first version: {refusal}") from refusal

    def plant(self) -> None:
        """Hold the four bad candidates against the gates, beside the champion."""
        run = TrainingRun.objects.filter(workflow=self._workflow).earliest("pk")
        if run.snapshot is None:
            raise JobFailed("the first run has no snapshot")
        with self._timed("plant bad candidates"):
            self.lived.planted = plant_candidates(
                self._workflow, run.snapshot, seed=self.options.seed, now=self._now
            )

    def live(self, say: Say) -> None:
        """Let the days pass from February on."""
        weekday = self._now.date()
        looks = looks_of(
            self.drawn.live,
            begin=midnight(self.drawn.live[0].occurred_at),
            per_day=self.options.looks_a_day,
        )
        for moment, rows in looks:
            self._arrive(rows, moment)
            with self._timed("monitors look"):
                self._watch()
            if self._now.date() > weekday:
                self._end_of_day()
                if (self._now.date() - weekday) >= WEEK:
                    weekday = self._now.date()
                    say(f"{weekday}: {self.lived.n_decided:,} decisions so far")
        self._finish()

    @property
    def _workflow(self) -> Any:  # noqa: ANN401 -- a model
        return self.line.workflow

    def _end_of_past(self) -> datetime:
        return midnight(self.drawn.past[-1].occurred_at) + DAY

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        took = self.lived.took_seconds
        took[name] = took.get(name, 0.0) + time.monotonic() - began

    def _arrive(self, rows: list[Row], moment: datetime) -> None:
        self._now = max(self._now, moment)
        with self._timed("store, score, route"):
            self.line.arrive(rows, now=self._now)
        with self._timed("people decide"):
            worked = review_all(
                workflow=self._workflow,
                people=self._people,
                habits=self.options.habits,
                truth=self.truth,
                rng=self._rng,
                now=self._now,
            )
        self._now = max(self._now, worked.until)
        self.lived.n_decided += worked.n_decided
        with self._timed("late truth"):
            self.line.hear(now=self._now)

    def _watch(self) -> None:
        """Look; at drift only so often, for its permutations take the time."""
        wanted = WATCHED
        if self._now - self._drift_at < self.options.drift_every * DAY:
            wanted = WATCHED - DRIFT
        found = self.line.look(now=self._now, monitors=wanted)
        for reading in found:
            if reading.monitor in DRIFT:
                self._drift_at = self._now.replace(hour=0, minute=0, second=0)
                self._keep_drift(reading)
            if reading.monitor == "business" and reading.at.weekday() == 0:
                self._keep_business(reading)

    def _keep_business(self, reading: Reading) -> None:
        self.lived.weeks.append(_week(reading))
        around = {one["version"]: one for one in reading.data.get("promotions", [])}
        for life in self.lived.versions:
            life.business = around.get(life.number, life.business)

    def _keep_drift(self, reading: Reading) -> None:
        if self._in_force is not None:
            self._in_force.drift.append(
                {
                    "at": reading.at.isoformat(),
                    "monitor": reading.monitor,
                    "verdict": reading.verdict,
                    "distance": reading.value,
                    "n": reading.n,
                    "says": reading.says,
                }
            )

    def _end_of_day(self) -> None:
        with self._timed("train and hold against gates"):
            self._retrain()
        if self._beside is not None:
            with self._timed("compare"):
                self._step_beside()

    def _retrain(self) -> None:
        if self._beside is not None:
            return
        run = consider_retraining(workflow=self._workflow, now=self._now)
        if run is None:
            return
        try:
            version, life = self._trained(run, why=run.why)
        except JobFailed as failure:
            self.lived.declined.append(f"{self._now.date()}: {failure}")
            return
        try:
            self.line.move(version, Stage.SHADOW, now=self._now)
        except StageRefused as refusal:
            life.ended = f"stopped at {refusal.gate}"
            return
        self._beside = (version, life, self._now)

    def _trained(
        self, run: TrainingRun, *, why: str
    ) -> tuple[ModelVersion, VersionLife]:
        version = trained_by(run, now=self._now)
        report = held(version, now=self._now)
        life = _version_life(version, run, report, why=why, now=self._now)
        self.lived.versions.append(life)
        return version, life

    def _step_beside(self) -> None:
        """Go on from shadow to challenger, and end by what the comparison says."""
        if self._beside is None:
            return
        version, life, since = self._beside
        version.refresh_from_db()
        days = (self._now - since) / DAY
        if days < self.options.shadow_days:
            return
        if version.stage == Stage.SHADOW:
            self.line.move(version, Stage.CHALLENGER, now=self._now)
            return
        report = self._compared(version, life)
        if report is None:
            return
        verdict = report.overall.verdict
        if verdict in {"better", "no_worse"}:
            self._promote(version, life, reason=f"{verdict} on the same items")
        elif verdict == "worse" or days >= self.options.beside_days:
            reason = f"{verdict} after {days:.0f} days beside the champion"
            self.line.move(version, Stage.RETIRED, now=self._now, reason=reason)
            life.ended = reason
        else:
            return
        self._beside = None

    def _compared(self, version: ModelVersion, life: VersionLife) -> Report | None:
        basis = basis_of(version, now=self._now)
        if basis is None:
            return None
        report = report_of(basis)
        life.comparison = report.to_json()
        return report

    def _promote(
        self, version: ModelVersion, life: VersionLife, *, reason: str = "the first"
    ) -> None:
        self.line.move(version, Stage.CHAMPION, now=self._now, reason=reason)
        if self._in_force is not None:
            self._in_force.ended = f"v{version.number} took its place"
        life.promoted_at = self._now.isoformat()
        self._in_force = life

    def _finish(self) -> None:
        self.lived.alerts = [
            {
                "monitor": one.monitor,
                "raised_at": one.raised_at.isoformat(),
                "ended_at": one.ended_at.isoformat() if one.ended_at else "",
                "n_readings": one.n_readings,
                "says": one.says,
            }
            for one in self.line.alerts()
        ]


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _version_life(
    version: ModelVersion,
    run: TrainingRun,
    report: GateReport,
    *,
    why: str,
    now: datetime,
) -> VersionLife:
    told, problems = run.report or {}, run.problems or {}
    return VersionLife(
        number=version.number,
        why=why,
        trained_at=now.isoformat(),
        n_rows=told.get("n_rows", 0),
        n_positive=told.get("n_positive", 0),
        problems=[one["says"] for one in problems.get("found", [])],
        figures=told["candidates"][0].get("figures") if told else None,
        gates=report.results,
        verdict=report.verdict,
        evidence=report.evidence,
    )


def _week(reading: Reading) -> Mapping[str, Any]:
    weeks = reading.data.get("weeks", [])
    nothing = asdict(Measured(None, None, None, 0))
    last = weeks[-1] if weeks else {"since": "", **nothing}
    return {**last, "verdict": reading.verdict, "says": reading.says}
