"""Fill one demo workflow: a trained champion, five weeks of work, a backlog."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.db import transaction

from accounts.models import User
from accounts.services_sites import declare_sites
from predictions.declaration_text import without_gates
from predictions.enums import IntakeSource, Stage
from predictions.models import Item, Workflow
from predictions.services.intake import store_items
from predictions.services.labelled_rows import LabelledRows
from predictions.services.media import keep_media
from predictions.services.profiles import refresh_profile
from predictions.services.registry import change_stage
from predictions.services.training import train_version
from predictions.services.workflows import declare_workflow
from reviewqueue.demo.simulation import (
    SimulatedReviewer,
    pass_upwards,
    work_through,
)
from reviewqueue.demo.streams import SITES, Features, Stream, site_of
from reviewqueue.demo.trust import follow_trust, grant_what_may
from reviewqueue.services.outcomes import OutcomeRow, record_outcomes
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.policies import first_policy

type Media = Mapping[str, Mapping[str, str]]

DAYS = 35
N_ESCALATED = 2
N_BROKEN = 4
# The backlog as the first visitor meets it: which share of it came how long ago, in
# parts of the time that the workflow allows. Most is in time, a little is overdue.
OLDEST, OLD, NEW = (0.1, 1.5), (0.3, 0.25), (0.6, 0.08)
PASSED_UP_AT = 0.2


def declare_demo(*, folder: Path, slug: str, by: User, now: datetime) -> Workflow:
    """Declare a demo workflow from its file and start its policy.

    While it is empty without gates, which its first version comes before.
    """
    source = (folder / f"{slug}.toml").read_text(encoding="utf-8")
    if not Item.objects.filter(workflow__slug=slug).exists():
        source = without_gates(source)
    workflow, _ = declare_workflow(source_toml=source, by=by, now=now)
    first_policy(workflow=workflow, by=by, now=now)
    return workflow


def fill_workflow(
    *,
    workflow: Workflow,
    stream: Stream,
    reviewers: Sequence[SimulatedReviewer],
    by: User,
    supervisor: User,
    seed: int,
    now: datetime,
) -> int:
    """Train, promote, and live through five weeks; returns the number of decisions.

    All or nothing: a start that is interrupted begins again. Its files should have been
    kept before (`kept_files`), where no transaction is open: they are found again.
    """
    media = kept_files(workflow, stream, by=by, now=now)
    with transaction.atomic():
        if names := SITES.get(workflow.slug):
            declare_sites(scope=workflow.scope, names=names, actor=by, now=now)
        return _live_through(
            workflow=workflow,
            stream=stream,
            media=media,
            reviewers=reviewers,
            by=by,
            supervisor=supervisor,
            seed=seed,
            now=now,
        )


def kept_files(workflow: Workflow, stream: Stream, *, by: User, now: datetime) -> Media:
    """Store the files of the live rows; return by external id what an item names."""
    slots = {slot.name: slot for slot in workflow.declaration.media}
    return {
        stream.external_id(place): {
            name: str(
                keep_media(
                    workflow=workflow, data=data, by=by, now=now, slot=slots[name]
                ).media.pk
            )
            for name, data in files.items()
        }
        for place, files in enumerate(stream.files)
    }


def _live_through(
    *,
    workflow: Workflow,
    stream: Stream,
    media: Media,
    reviewers: Sequence[SimulatedReviewer],
    by: User,
    supervisor: User,
    seed: int,
    now: datetime,
) -> int:
    rng = np.random.default_rng(seed)
    begin = now - timedelta(days=DAYS)
    _train_champion(workflow, stream, by=by, seed=seed, now=begin)
    if stream.is_earned:
        follow_trust(workflow=workflow, by=supervisor, now=begin)
    rows = [(stream.external_id(i), *row) for i, row in enumerate(stream.live)]
    truth = {external_id: label for external_id, _, label in rows}
    fields = {stream.external_id(i): one for i, one in enumerate(stream.fields)}
    n_past = len(rows) - stream.n_backlog
    n_decided = 0
    for day, chunk in enumerate(np.array_split(np.arange(n_past), DAYS)):
        morning = begin + timedelta(days=day, hours=1)
        _arrive(
            [rows[i][:2] for i in chunk], workflow=workflow, media=media, now=morning
        )
        n_decided += work_through(
            workflow=workflow,
            reviewers=reviewers,
            truth=truth,
            fields=fields,
            rng=rng,
            start=morning + timedelta(minutes=30),
            max_cases=len(chunk) * 3,  # two readings and a third word
        )
        if stream.is_earned:
            grant_what_may(
                workflow=workflow, by=supervisor, now=morning + timedelta(hours=10)
            )
    _late_truth(
        [rows[i] for i in range(n_past) if rng.random() < stream.outcome_share],
        workflow=workflow,
        now=now - timedelta(hours=6),
    )
    _leave_a_backlog(
        rows[n_past:], workflow=workflow, media=media, reviewers=reviewers, now=now
    )
    refresh_profile(workflow=workflow, now=now)
    return n_decided


def _leave_a_backlog(
    rows: Sequence[tuple[str, Features, str]],
    *,
    workflow: Workflow,
    media: Media,
    reviewers: Sequence[SimulatedReviewer],
    now: datetime,
) -> None:
    """Let the newest items arrive, some of them broken; pass a few cases upwards."""
    allowed = timedelta(minutes=workflow.declaration.queue.sla_minutes)
    items = [row[:2] for row in rows]
    n_oldest, n_old = (int(len(items) * share) for share, _ in (OLDEST, OLD))
    oldest = items[:n_oldest]
    _arrive(oldest, workflow=workflow, media=media, now=now - OLDEST[1] * allowed)
    broken = [
        (f"{external_id}-b", _broken(features, how))
        for how, (external_id, features) in enumerate(items[:N_BROKEN])
    ]
    old = items[n_oldest : n_oldest + n_old]
    _arrive(old + broken, workflow=workflow, media=media, now=now - OLD[1] * allowed)
    # before the newest come: nobody claims what is not there yet
    pass_upwards(
        workflow=workflow,
        reviewer=reviewers[0],
        n=N_ESCALATED,
        now=now - PASSED_UP_AT * allowed,
    )
    new = items[n_oldest + n_old :]
    _arrive(new, workflow=workflow, media=media, now=now - NEW[1] * allowed)


def _broken(features: Features, how: int) -> Features:
    """Spoil one number as senders do: a unit, a code for nothing, a list, a word.

    Where there is none, nothing is spoilt: such items come without their picture.
    """
    numbers = (key for key, value in features.items() if isinstance(value, float))
    name = next(numbers, None)
    if name is None:
        return features
    spoilt = (f"{features[name]} units", -999_999.0, [features[name]], "n/a")
    return {**features, name: spoilt[how % len(spoilt)]}


def _train_champion(
    workflow: Workflow, stream: Stream, *, by: User, seed: int, now: datetime
) -> None:
    n = len(stream.history)
    version = train_version(
        workflow=workflow,
        rows=LabelledRows(
            features=[features for features, _ in stream.history],
            labels=[label for _, label in stream.history],
            occurred_at=[now - timedelta(minutes=10 * (n - i)) for i in range(n)],
        ),
        algorithm=stream.algorithm,
        seed=seed,
        by=by,
        now=now,
    )
    change_stage(
        version=version, to=Stage.CHAMPION, by=by, reason="first model", now=now
    )


def _arrive(
    rows: Sequence[tuple[str, Features]],
    *,
    workflow: Workflow,
    media: Media,
    now: datetime,
) -> None:
    raw = [
        {
            "external_id": external_id,
            "occurred_at": (now - timedelta(minutes=5)).isoformat(),
            "features": features,
            "site": site_of(workflow.slug, external_id),
            **({"media": media[external_id]} if external_id in media else {}),
        }
        for external_id, features in rows
    ]
    store_items(
        workflow=workflow,
        chunks=[raw],
        source=IntakeSource.DEMO,
        now=now,
        wake=False,
    )
    while process_batch(workflow=workflow, limit=1000, now=now):
        pass


def _late_truth(
    rows: Sequence[tuple[str, Features, str]], *, workflow: Workflow, now: datetime
) -> None:
    outcomes = [
        OutcomeRow(external_id=external_id, label=label, observed_at=now)
        for external_id, _, label in rows
    ]
    record_outcomes(workflow=workflow, rows=outcomes, by=None, now=now)
