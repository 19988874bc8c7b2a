"""Steps of a workflow whose fields earn trust beside the label."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Segment, TrustMove, TrustPlan
from reviewqueue.queries.trust import segments_in_force
from reviewqueue.services.autonomy import grant
from reviewqueue.services.judging import Judgement
from reviewqueue.trust.bounds import reviews_needed
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.field_steps import champion_elsewhere, with_fields
from tests.reviewqueue.services.steps import claim, record
from tests.reviewqueue.services.trust_steps import DELTA, TOLERATED, plan, route

TWO_FIELDS = """
[[fields]]
name = "torque"
title = "Torque"
type = "number"
minimum = 0
maximum = 200
tolerance = 0.05

[[fields]]
name = "tool"
title = "Tool"
type = "category"
values = ["hand", "robot"]
"""
SURE: dict[str, Any] = {
    "torque": {"value": 12.5, "confidence": 0.95},
    "tool": {"value": "hand", "confidence": 0.9},
}
# What it says is what is true.
AS_IT_SAYS = {
    "n_labels": 2,
    "curves": [{"method": "isotonic", "x": [0, 1], "y": [0, 1], "n": 9, "n_true": 4}],
}
RATES = {"torque": TOLERATED, "tool": TOLERATED}
WRONG: dict[str, object] = {"torque": 99.0, "tool": "robot"}


@contextmanager
def trusted(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    *rows: object,
    now: datetime,
    fields: str = TWO_FIELDS,
    **terms: object,
) -> Iterator[Workflow]:
    """Declare two fields, have a champion fill them in, and cut the segments.

    The champion has made 200 recommendations; all but the last are out of the way.
    """
    declared = with_fields(workflow, fields, now=now)
    with champion_elsewhere(declared, settings, *(rows or (SURE,)), now=now):
        begin(declared, now=now, **terms)
        yield declared


def begin(workflow: Workflow, *, now: datetime, **terms: object) -> TrustPlan:
    earlier = now - timedelta(minutes=5)
    ModelVersion.objects.filter(workflow=workflow).update(
        stage_changed_at=earlier, calibration=AS_IT_SAYS
    )
    set_policy(workflow, mode="earned", now=earlier)
    made = plan(workflow, now=earlier, **({"tolerated_fields": RATES} | terms))
    route(workflow, 199, start=0, now=earlier)
    Case.objects.update(status="decided", closed_at=earlier)
    route(workflow, 1, start=200, now=earlier)
    return made


def segment_of(workflow: Workflow, field: str = "") -> Segment:
    """Return the segment of a field's confidences, or of what looks legitimate."""
    label = "" if field else "legitimate"
    return next(
        one
        for one in segments_in_force(workflow)
        if (one.field, one.label) == (field, label) and not one.without_confidence
    )


def without_confidence(workflow: Workflow, field: str) -> Segment:
    return next(
        one
        for one in segments_in_force(workflow)
        if one.field == field and one.without_confidence
    )


def needed_in(segment: Segment, *, errors: int = 0) -> int:
    enough = reviews_needed(errors, rate=TOLERATED, delta=DELTA / segment.n_sharing)
    assert enough is not None
    return enough


def review_fields(
    workflow: Workflow,
    person: User,
    n: int,
    *,
    now: datetime,
    fields: Mapping[str, object] | None = None,
    n_wrong: int = 0,
) -> list[Case]:
    """Decide `n` cases as recommended; in the first `n_wrong` these fields differ."""
    cases = []
    for at in range(n):
        case = claim(workflow, person, now=now)
        given = dict(fields or {}) if at < n_wrong else None
        record(case, person, Judgement(label=case.route.label, fields=given), now=now)
        cases.append(case)
    return cases


def step_down(
    workflow: Workflow, segment: Segment, by: User, *, now: datetime
) -> TrustMove:
    return grant(
        workflow=workflow,
        segment_id=segment.pk,
        seen_level=segment.level,
        by=by,
        reason="the evidence",
        now=now,
    )


def earn_all(workflow: Workflow, person: User, *, now: datetime) -> datetime:
    """Earn the first step of label and both fields; return a moment after it."""
    parts = [segment_of(workflow, name) for name in ("", *RATES)]
    n = max(map(needed_in, parts))
    route(workflow, n - 1, start=300, now=now)
    review_fields(workflow, person, n, now=now)
    for one in parts:
        step_down(workflow, one, person, now=now)
    return now + timedelta(minutes=1)
