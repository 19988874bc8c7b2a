"""Parts of one item moved at once, in real threads."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Route, Segment, TrustMove
from reviewqueue.queries.trust import segments_cut, segments_in_force
from reviewqueue.services.autonomy import MoveRefused
from reviewqueue.services.trust_watch import watch_trust
from tests.reviewqueue.services.field_steps import with_fields
from tests.reviewqueue.services.parts_steps import (
    RATES,
    TWO_FIELDS,
    earn_all,
    needed_in,
    review_fields,
    segment_of,
    step_down,
    trusted,
)
from tests.reviewqueue.services.test_races import at_once
from tests.reviewqueue.services.trust_steps import route, take_back

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Threads that end leave their connection to the pool, which may warn of it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def fields(
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    now: datetime,
) -> Iterator[Workflow]:
    with trusted(workflow, settings, now=now) as declared:
        yield declared


def granter(
    workflow: Workflow, segment: Segment, by: User, *, now: datetime
) -> Callable[[], object]:
    def act() -> object:
        try:
            return step_down(workflow, segment, by, now=now)
        except (MoveRefused, Segment.DoesNotExist) as refusal:
            return refusal

    return act


def test_grant_and_withdrawal_of_two_parts_do_not_meet(
    fields: Workflow, alice: User, now: datetime
) -> None:
    parts = [segment_of(fields, name) for name in ("torque", "tool")]
    n = max(map(needed_in, parts))
    route(fields, n - 1, start=300, now=now)
    review_fields(fields, alice, n, now=now)
    step_down(fields, parts[0], alice, now=now)
    later = now + timedelta(minutes=1)

    def go_on() -> None:
        route(fields, 20, start=900, now=later)

    at_once(
        partial(take_back, fields, parts[0], alice, now=later),
        *[granter(fields, parts[1], alice, now=later)] * 2,
        go_on,
    )

    assert segment_of(fields, "torque").level == 0
    assert segment_of(fields, "tool").level == 1
    moves = TrustMove.objects.filter(at=later).order_by("kind")
    assert [(one.kind, one.segment.field) for one in moves] == [
        ("grant", "tool"),
        ("withdraw", "torque"),
    ]
    # whatever came first: each route is by what it says that its parts asked for
    for one in Route.objects.filter(routed_at=later):
        assert one.parts is not None
        assert one.part_probabilities is not None
        assert one.review_probability == max(one.part_probabilities) == 1


def test_of_two_that_route_one_cuts_a_field_anew(
    fields: Workflow, alice: User, now: datetime
) -> None:
    later = earn_all(fields, alice, now=now)
    stricter = TWO_FIELDS.replace("tolerance = 0.05", "tolerance = 0.01")
    declared = with_fields(fields, stricter, now=later)
    before = segments_cut(segment_of(fields).model_version)

    def router(start: int) -> Callable[[], None]:
        return partial(route, declared, 1, start=start, now=later)

    at_once(
        *map(router, (900, 1000, 1100)),
        lambda: watch_trust(workflow=declared, now=later),
    )

    cut = segments_cut(segment_of(fields).model_version)
    assert len(cut) == len(before) + 2
    assert {one.field: one.slicing for one in segments_in_force(declared)} == {
        "": 1,
        "tool": 1,
        "torque": 2,
    }
    assert {
        tuple(one.part_probabilities or ())
        for one in Route.objects.filter(routed_at=later)
    } == {(0.5, 1.0, 0.5)}
    assert segment_of(declared, "tool").level == segment_of(declared).level == 1
    assert set(RATES) == {"torque", "tool"}
