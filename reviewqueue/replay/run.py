"""Live through a stream: items come in, are routed, reviewed and watched over."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from predictions.declaration_text import without_gates
from predictions.enums import Stage
from predictions.models import Item, ModelVersion, Workflow
from predictions.services.registry import change_stage
from predictions.services.workflows import declare_workflow
from reviewqueue.proof.data_sets import Row
from reviewqueue.queries.trust import STEPS, suggested_plan
from reviewqueue.replay.options import Options
from reviewqueue.replay.passing import (
    Say,
    hear_truth,
    let_arrive,
    looks_of,
    put_terms,
    relax_commits,
    train_on,
)
from reviewqueue.replay.people import people_of, review_all
from reviewqueue.replay.streams import Stream, plant, typed
from reviewqueue.services.drift import watch_drift
from reviewqueue.services.trust_plans import put_plan, terms_of
from reviewqueue.services.trust_watch import watch_trust

MAX_LEARNT = 60_000  # rows that a model learns from: the newest


class ReplayFailed(Exception):
    """The replay cannot go on; the message says why."""


@dataclass(slots=True)
class Lived:
    """What the replay itself counted, to hold against what is stored."""

    sent: int = 0
    accepted: int = 0
    decided: int = 0
    outcomes: int = 0
    moves: int = 0
    versions: int = 0
    review_seconds: float = 0.0
    lag_seconds: float = 0.0  # the longest that items waited for people before them
    took_seconds: dict[str, float] = field(default_factory=dict)


class Replay:
    """One replay of one stream in a database of its own."""

    def __init__(self, stream: Stream, options: Options, *, workflows: Path) -> None:
        self.options = options
        self.rng = np.random.default_rng([options.seed, 2])
        self.lived = Lived()
        self.now = stream.start - timedelta(hours=1)
        self.workflow = self._declare(workflows / f"{stream.slug}.toml")
        self.stream = self._ready(stream)
        self.truth = {row.external_id: row.label for row in self.stream.live}
        self.people = people_of(self.workflow, n=options.habits.n_people, now=self.now)
        self.told: list[Row] = []  # whose truth has come by itself
        self._waiting: list[Row] = []
        self._learnt_at = stream.start
        self._candidate: ModelVersion | None = None

    def _declare(self, path: Path) -> Workflow:
        if Item.objects.filter(workflow__slug=path.stem).exists():
            raise ReplayFailed(f"{path.stem} holds items: use an empty database")
        # Versions of a replay are judged by what comes of them, not by gates.
        source = without_gates(path.read_text(encoding="utf-8"))
        workflow, _ = declare_workflow(source_toml=source, by=None, now=self.now)
        return workflow

    def _ready(self, stream: Stream) -> Stream:
        declaration = self.workflow.declaration
        ready = typed(stream, declaration)
        if self.options.planted is None:
            return ready
        return plant(ready, self.options.planted, declaration=declaration)

    def prepare(self) -> None:
        """Put policy and plan in force, train on the past and promote."""
        options, reason = self.options, "for the replay"
        put_terms(
            self.workflow,
            reason=reason,
            now=self.now,
            mode="earned",
            blind_share=options.blind_share,
            second_opinion_share=0.0,
        )
        put_plan(
            workflow=self.workflow,
            terms=replace(
                terms_of(suggested_plan(self.workflow)),
                delta=options.delta,
                alpha=options.alpha,
                evidence=options.evidence,
                edges=list(options.edges),
                min_share=options.min_share,
                drift_distance=options.drift_distance,
                ladder=[*STEPS, options.floor],
                tolerated=dict(options.tolerated),
                auto_grant=True,
            ),
            by=None,
            reason=reason,
            now=self.now,
        )
        self._promote(self._train(self.stream.past))

    def _train(self, rows: Sequence[Row]) -> ModelVersion:
        newest = rows[-MAX_LEARNT:]
        return train_on(self.workflow, newest, seed=self.options.seed, now=self.now)

    def _promote(self, version: ModelVersion, to: Stage = Stage.CHAMPION) -> None:
        change_stage(
            version=version, to=to, by=None, reason="for the replay", now=self.now
        )
        self.lived.versions += to == Stage.CHAMPION

    def live(self, say: Say) -> None:
        """Let the whole stream pass, look by look."""
        relax_commits()
        day = -1
        for moment, rows in self._looks():
            self._look(moment, rows)
            if (passed := (moment - self.stream.start).days // 7) > day:
                day = passed
                say(f"week {day + 1}: {self.lived.decided:,} reviews so far")

    def _looks(self) -> Iterator[tuple[datetime, list[Row]]]:
        stream, per_day = self.stream, self.options.looks_a_day
        return looks_of(stream.live, begin=stream.start, per_day=per_day)

    def _look(self, moment: datetime, rows: list[Row]) -> None:
        self.lived.lag_seconds = max(
            self.lived.lag_seconds, (self.now - moment).total_seconds()
        )
        self.now = max(self.now, moment)
        self._timed("learn", self._learn_again)
        self._timed("store, score, route", lambda: self._arrive(rows))
        self._timed("review", self._review)
        self._timed("outcomes", self._hear)
        self._timed("watch", self._watch)

    def _timed(self, name: str, step: Callable[[], None]) -> None:
        began = time.monotonic()
        step()
        took = self.lived.took_seconds
        took[name] = took.get(name, 0.0) + time.monotonic() - began

    def _arrive(self, rows: list[Row]) -> None:
        result = let_arrive(self.workflow, rows, now=self.now)
        self.lived.sent += len(rows)
        self.lived.accepted += result.accepted
        drawn = self.rng.random(len(rows)) < self.options.outcome_share
        self._waiting += [
            row for row, is_drawn in zip(rows, drawn, strict=True) if is_drawn
        ]

    def _review(self) -> None:
        worked = review_all(
            workflow=self.workflow,
            people=self.people,
            habits=self.options.habits,
            truth=self.truth,
            rng=self.rng,
            now=self.now,
        )
        self.now = worked.until
        self.lived.decided += worked.n_decided
        self.lived.review_seconds += worked.seconds

    def _hear(self) -> None:
        """Take the truth that has come by itself until now."""
        until = self.now - timedelta(days=self.options.outcome_days)
        n_come = 0
        while n_come < len(self._waiting) and self._waiting[n_come].occurred_at < until:
            n_come += 1
        come, self._waiting = self._waiting[:n_come], self._waiting[n_come:]
        self.lived.outcomes += hear_truth(self.workflow, come, now=self.now)
        self.told += come

    def _watch(self) -> None:
        for watch in (watch_drift, watch_trust):
            self.now += timedelta(seconds=1)
            self.lived.moves += len(watch(workflow=self.workflow, now=self.now))

    def _learn_again(self) -> None:
        """Train on the past and on late truth; promote after its days in shadow."""
        every, age = self.options.retrain_days, self.now - self._learnt_at
        if every is not None and age >= timedelta(days=every):
            self._candidate = self._train([*self.stream.past, *self.told])
            self._learnt_at, age = self.now, timedelta(0)
            if self.options.shadow_days:
                self._promote(self._candidate, to=Stage.SHADOW)
        if self._candidate and age >= timedelta(days=self.options.shadow_days):
            self._promote(self._candidate)
            self._candidate = None
