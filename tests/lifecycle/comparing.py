"""A champion and a version beside it, both of which people audit."""

from datetime import datetime, timedelta

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Case
from reviewqueue.services.pipeline import process_batch
from tests.factories.predictions import raw_item, store
from tests.reviewqueue.services.steps import claim, decide

LEGITIMATE, FRAUD = "legitimate", "fraud"
SLA = timedelta(minutes=240)


def run(workflow: Workflow, n: int, *, now: datetime, start: int = 0) -> None:
    """Route items of which some are doubtful: the two thresholds part there."""
    rows = [
        raw_item(start + at, now=now, amount=100.0 + 30 * at, card_present="no")
        for at in range(n)
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def decide_all(
    workflow: Workflow, person: User, *, now: datetime, label: str = LEGITIMATE
) -> int:
    """Decide what waits, always the same; return how many that were."""
    n = Case.objects.filter(workflow=workflow, status="pending").count()
    for _ in range(n):
        decide(claim(workflow, person, now=now), person, label=label, now=now)
    return n
