"""The demo as its first visitor meets it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import F

from predictions.models import QuarantinedItem
from reviewqueue.demo.history import declare_demo, fill_workflow
from reviewqueue.demo.people import Credentials, ensure_people, ensure_roles
from reviewqueue.demo.simulation import SimulatedReviewer
from reviewqueue.demo.streams import Stream, cards, machines
from reviewqueue.enums import OPEN_STATUSES, CaseStatus, Queue
from reviewqueue.models import Case, CaseEvent

pytestmark = pytest.mark.django_db


def fill(stream: Stream, *, now: datetime) -> None:
    """Fill a workflow with a short past and the given backlog."""
    people = ensure_people(Credentials({}, {}), now=now)
    workflow = declare_demo(
        folder=Path(settings.BASE_DIR) / "workflows",
        slug=stream.slug,
        by=people["engineer"],
        now=now,
    )
    ensure_roles(workflow.scope, people, now=now)
    fill_workflow(
        workflow=workflow,
        stream=stream,
        reviewers=[
            SimulatedReviewer(people["sim-ada"], 0.97, 0.1, 19),
            SimulatedReviewer(
                people["sim-adjudicator"], 0.99, 0.0, 45, (Queue.ADJUDICATION,)
            ),
        ],
        by=people["engineer"],
        supervisor=people["supervisor"],
        seed=1,
        now=now,
    )


@pytest.mark.parametrize("make", [cards, machines])
def test_most_of_the_backlog_is_in_time_when_the_demo_is_opened(
    make: Callable[..., Stream], now: datetime
) -> None:
    stream = make(7, n_live=420)
    stream = replace(stream, n_backlog=400, is_earned=False)

    fill(stream, now=now)

    waiting = Case.objects.filter(status__in=OPEN_STATUSES)
    allowed = timedelta(minutes=waiting[0].workflow.declaration.queue.sla_minutes)
    n, n_overdue = waiting.count(), waiting.filter(due_at__lte=now).count()
    assert n >= 20
    assert 1 <= n_overdue <= 0.2 * n
    # and stays so for as long as a first look takes
    in_time = waiting.filter(due_at__gt=now + 0.7 * allowed).count()
    assert in_time >= 0.7 * n
    assert QuarantinedItem.objects.count() == 4
    assert Case.objects.filter(
        status=CaseStatus.PENDING, queue=Queue.ADJUDICATION
    ).exists()
    assert not CaseEvent.objects.filter(at__lt=F("case__created_at")).exists()
    assert not CaseEvent.objects.filter(at__gt=now).exists()
