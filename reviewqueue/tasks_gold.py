"""The watch over reviewers' answers to gold, in the background."""

from celery import shared_task
from django.db.models import Exists, OuterRef
from django.utils import timezone

from predictions.models import Workflow
from reviewqueue.models import GoldPlacement
from reviewqueue.services.gold_floor import tell_of_reviewers


@shared_task(name="reviewqueue.watch_gold")
def watch_gold(**kwargs: object) -> int:
    """Tell of reviewers below the gold floor in every workflow that placed gold."""
    placed = GoldPlacement.objects.filter(gold__workflow=OuterRef("pk"))
    with_gold = Workflow.objects.filter(Exists(placed)).order_by("pk")
    return sum(
        len(tell_of_reviewers(workflow=one, now=timezone.now())) for one in with_gold
    )
