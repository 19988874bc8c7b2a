"""What waits and whether workers are there, for Prometheus: read at each scrape."""

from collections.abc import Iterator

from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from predictions.models import Workflow
from reviewqueue.queries.operations import backlog_of
from reviewqueue.queries.workers import last_sign

GAUGES = {
    "n_waiting": ("cases_waiting", "Cases that wait for a person"),
    "n_held": ("cases_held", "Cases under a lease"),
    "n_overdue": ("cases_overdue", "Open cases past their time"),
    "n_unscored": ("items_unscored", "Items that are not routed yet"),
    "n_quarantined": ("items_quarantined", "Refused items that nobody has resolved"),
}


class Backlogs(Collector):
    """One gauge for each figure of the backlog; counts stop at 100,000."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, none of them while the database does not answer."""
        families = {
            name: GaugeMetricFamily(f"countersign_{metric}", text, labels=["workflow"])
            for name, (metric, text) in GAUGES.items()
        }
        oldest = GaugeMetricFamily(
            "countersign_oldest_case_seconds",
            "How long the oldest waiting case has waited",
            labels=["workflow"],
        )
        now = timezone.now()
        try:
            for workflow in Workflow.objects.order_by("slug"):
                found = backlog_of(workflow, now=now)
                for name, family in families.items():
                    family.add_metric([workflow.slug], getattr(found, name))
                age = (now - found.oldest_at).total_seconds() if found.oldest_at else 0
                oldest.add_metric([workflow.slug], age)
        except DatabaseError:
            return
        yield from (*families.values(), oldest)


class Workers(Collector):
    """How long no worker has said that it is there; nothing while that is unknown."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        sign = last_sign()
        if sign.is_known:
            yield GaugeMetricFamily(
                "countersign_worker_silent_seconds",
                "How long no worker has given a sign of life",
                value=sign.silent_seconds(timezone.now()),
            )
