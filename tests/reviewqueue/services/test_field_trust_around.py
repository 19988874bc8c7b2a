"""Drift, repair and gauges where fields earn trust beside the label."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from lifecycle.queries.telemetry import few_counts
from predictions.models import Workflow
from reviewqueue.enums import RouteKind
from reviewqueue.models import Route
from reviewqueue.queries.drift import sent_in
from reviewqueue.queries.repair import RepairScope, count_alone
from reviewqueue.services.drift import watch_drift
from tests.reviewqueue.services.field_steps import with_fields
from tests.reviewqueue.services.parts_steps import (
    TWO_FIELDS,
    earn_all,
    segment_of,
    trusted,
    without_confidence,
)
from tests.reviewqueue.services.trust_steps import route, take_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def fields(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> Iterator[Workflow]:
    with trusted(workflow, settings, now=now) as declared:
        yield declared


def test_drift_of_a_field_is_of_its_confidence_in_its_own_sample(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    take_back(fields, segment_of(fields, "tool"), alice, now=later)
    day = timedelta(days=1)
    route(fields, 30, start=900, now=later)

    label, torque = segment_of(fields), segment_of(fields, "torque")
    found = {
        one.pk: sent_in(one, window=day, now=later + 2 * day) for one in (label, torque)
    }
    own = Route.objects.filter(routed_at=later, draw__lt=0.5).count()
    own += Route.objects.filter(routed_at=now).count()
    assert [one.probability.size for one in found.values()] == [own, own]
    assert set(found[torque.pk].probability) == {0.95}
    assert set(found[label.pk].probability) == {0.1}
    assert set(found[torque.pk].inputs) == {"amount"}
    assert watch_drift(workflow=fields, now=later + 2 * day) == []


def test_repair_finds_what_a_field_let_pass(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    route(fields, 30, start=900, now=later)
    passed = Route.objects.filter(routed_at=later, kind=RouteKind.AUTO)
    scope = RepairScope(fields, since=now, until=later + timedelta(minutes=1))

    of_field = replace(scope, segment_id=segment_of(fields, "torque").pk)
    of_another = replace(scope, segment_id=without_confidence(fields, "tool").pk)

    assert 0 < count_alone(of_field).n == passed.count()
    assert count_alone(of_another).n == 0


def test_segments_are_counted_by_level_whichever_part_they_are_of(
    fields: Workflow, alice: User, now: datetime
) -> None:
    earn_all(fields, alice, now=now)
    stricter = TWO_FIELDS.replace("tolerance = 0.05", "tolerance = 0.01")
    route(with_fields(fields, stricter, now=now), 1, start=900, now=now)

    counted = [
        (one.key, one.n) for one in few_counts([fields.pk]) if one.figure == "segments"
    ]

    # one of label and tool went down; fraud, the torque cut anew, what is unsaid stay
    assert sorted(counted) == [("0", 4), ("1", 2)]
