"""What goes on in each workflow, for Prometheus: read from the database at each scrape.

So it is the same whichever process is asked, and survives all of them. Labels are
workflows, scoring versions, monitors, declared features and states: few, and bounded.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.utils import timezone
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from lifecycle.enums import (
    OPEN_ALERTS,
    MailStatus,
    MonitorKind,
    ReadingVerdict,
    RunStatus,
)
from lifecycle.queries import telemetry
from lifecycle.queries.telemetry import LATENCY_ENDS_MS, Count, Last
from lifecycle.services.monitors.registry import MONITORS
from predictions.models import Workflow
from reviewqueue.enums import DeliveryStatus

type Names = dict[UUID, str]


class PerWorkflow(Collector):
    """Yields families over all workflows; none while the database does not answer."""

    def collect(self) -> Iterator[Metric]:
        try:
            names: Names = dict(
                Workflow.objects.order_by("slug").values_list("pk", "slug")
            )
            families = list(self.families(names))
        except (OperationalError, InterfaceError):
            return
        yield from families

    @abstractmethod
    def families(self, names: Names) -> Iterator[Metric]:
        """Yield the families, of the workflows by their names."""


class Flow(PerWorkflow):
    """Items and decisions since the beginning, and how long scoring takes."""

    def families(self, names: Names) -> Iterator[Metric]:
        """Yield counters that never fall: what is undone is counted beside."""
        counts = telemetry.flow_counts(list(names))
        yield self._received(names, counts)
        routed = CounterMetricFamily(
            "countersign_items_routed",
            "Items that a recommendation settled or people were sent, and why",
            labels=["workflow", "kind", "reason"],
        )
        for one in counts:
            if one.figure == "routes":
                routed.add_metric([names[one.workflow], one.slot, one.key], one.n)
        yield routed
        yield from self._decisions(names, counts)
        yield self._arrivals(names)
        yield self._latency(names)

    def _received(self, names: Names, counts: Sequence[Count]) -> Metric:
        family = CounterMetricFamily(
            "countersign_items_received",
            "Items stored: routed, or waiting for it",
            labels=["workflow"],
        )
        n = _totals(counts, {"routes", "pending"})
        for pk, slug in names.items():
            family.add_metric([slug], n[pk])
        return family

    def _decisions(self, names: Names, counts: Sequence[Count]) -> Iterator[Metric]:
        made = CounterMetricFamily(
            "countersign_decisions",
            "Decisions made, gold aside, with those that were undone or amended since",
            labels=["workflow"],
        )
        retracted = CounterMetricFamily(
            "countersign_retractions",
            "Decisions that were undone or amended",
            labels=["workflow", "kind"],
        )
        standing = GaugeMetricFamily(
            "countersign_decisions_standing",
            "Decisions that stand: the recommendation blind, shown or absent; verdict",
            labels=["workflow", "way", "verdict"],
        )
        n = _totals(counts, {"kind", "retracted"})
        for pk, slug in names.items():
            made.add_metric([slug], n[pk])
        for key, total in _by_slot(counts, "retracted").items():
            retracted.add_metric([names[key[0]], key[1]], total)
        for (pk, slot), total in _by_slot(counts, "kind").items():
            standing.add_metric([names[pk], *slot.split(".")], total)
        yield from (made, retracted, standing)

    def _arrivals(self, names: Names) -> Metric:
        family = GaugeMetricFamily(
            "countersign_last_item_age_seconds",
            "How long ago the newest item came",
            labels=["workflow"],
        )
        now = timezone.now()
        for pk, at in telemetry.last_arrivals(list(names)).items():
            if at is not None:
                family.add_metric([names[pk]], (now - at).total_seconds())
        return family

    def _latency(self, names: Names) -> Metric:
        family = GaugeHistogramMetricFamily(
            "countersign_scoring_seconds",
            "How long an item's score took, of the last five minutes (2,000 at most)",
            labels=["workflow"],
        )
        ends = [str(end / 1000) for end in LATENCY_ENDS_MS] + ["+Inf"]
        for one in telemetry.scoring_latencies(list(names), now=timezone.now()):
            buckets = list(zip(ends, map(float, accumulate(one.counts)), strict=True))
            family.add_metric([names[one.workflow]], buckets, one.total_ms / 1000)
        return family


class Models(PerWorkflow):
    """Versions that score, training runs, and how far autonomy goes."""

    def families(self, names: Names) -> Iterator[Metric]:
        failures = CounterMetricFamily(
            "countersign_model_failures",
            "Batches that a version which scores now could not answer",
            labels=["workflow", "model"],
        )
        champion = GaugeMetricFamily(
            "countersign_champion",
            "1 for the version whose recommendations people meet",
            labels=["workflow", "model"],
        )
        for one in telemetry.model_failures(list(names)):
            labels = [names[one.workflow], f"v{one.number}"]
            failures.add_metric(labels, one.n)
            if one.is_champion:
                champion.add_metric(labels, 1)
        yield from (failures, champion)
        yield from _few(names, telemetry.few_counts(list(names)))


class Watch(PerWorkflow):
    """What each monitor found at its newest look."""

    def families(self, names: Names) -> Iterator[Metric]:
        keys = [monitor.key for monitor in MONITORS]
        found = telemetry.last_readings(list(names), keys)
        now = timezone.now()
        yield self._of(
            "value",
            "What a monitor measured, in its unit; absent: nothing",
            names,
            [(one, one.value) for one in found],
        )
        yield self._of(
            "items",
            "How many items, decisions or rows a monitor's figure rests on",
            names,
            [(one, one.n) for one in found],
        )
        yield self._of(
            "alarm",
            "1 where a monitor's newest look found an alarm",
            names,
            [(one, one.verdict == ReadingVerdict.ALARM) for one in found],
        )
        yield self._of(
            "age_seconds",
            "How long ago a monitor looked",
            names,
            [(one, (now - one.at).total_seconds()) for one in found],
        )
        yield self._drift(names, found)

    def _of(
        self,
        figure: str,
        text: str,
        names: Names,
        values: Sequence[tuple[Last, float | None]],
    ) -> Metric:
        family = GaugeMetricFamily(
            f"countersign_monitor_{figure}",
            text,
            labels=["workflow", "kind", "monitor"],
        )
        for one, value in values:
            if value is not None:
                family.add_metric([names[one.workflow], one.kind, one.monitor], value)
        return family

    def _drift(self, names: Names, found: Sequence[Last]) -> Metric:
        family = GaugeMetricFamily(
            "countersign_drift_distance",
            "Share of the items that would have to be elsewhere, by feature",
            labels=["workflow", "feature"],
        )
        for one in found:
            for feature in one.features:
                if feature["distance"] is not None:
                    labels = [names[one.workflow], feature["name"]]
                    family.add_metric(labels, feature["distance"])
        return family


# Every state that is told, so that a series is there before the first of its kind.
_FEW: dict[str, tuple[str, str, list[str], list[tuple[str, ...]]]] = {
    "runs": (
        "training_runs",
        "Training runs, by how they stand or ended",
        ["status"],
        [(status,) for status in RunStatus.values],
    ),
    "alerts": (
        "alerts_open",
        "Alerts that nobody has resolved",
        ["kind", "status"],
        [(kind, status) for kind in MonitorKind.values for status in OPEN_ALERTS],
    ),
    "deliveries": (
        "deliveries",
        "Notices on their way to web-hooks, and those given up",
        ["status"],
        [(DeliveryStatus.WAITING,), (DeliveryStatus.GIVEN_UP,)],
    ),
    "mails": (
        "alert_mails",
        "Mails about alerts on their way, and those given up",
        ["status"],
        [(MailStatus.WAITING,), (MailStatus.GIVEN_UP,)],
    ),
    "segments": (
        "segments",
        "Segments of the champion, by level of autonomy; 0: people see everything",
        ["level"],
        [],
    ),
}


def _few(names: Names, counts: Sequence[Count]) -> Iterator[Metric]:
    for figure, (name, text, labels, always) in _FEW.items():
        family = GaugeMetricFamily(
            f"countersign_{name}", text, labels=["workflow", *labels]
        )
        n: Counter[tuple[str, ...]] = Counter()
        for slug in names.values():
            n.update({(slug, *map(str, state)): 0 for state in always})
        for one in counts:
            if one.figure == figure:
                state = (one.key, one.slot)[: len(labels)]
                n[names[one.workflow], *state] += one.n
        for states, total in n.items():
            family.add_metric(list(states), total)
        yield family


def _totals(counts: Sequence[Count], figures: set[str]) -> Counter[UUID]:
    n: Counter[UUID] = Counter()
    for one in counts:
        if one.figure in figures:
            n[one.workflow] += one.n
    return n


def _by_slot(counts: Sequence[Count], figure: str) -> Counter[tuple[UUID, str]]:
    n: Counter[tuple[UUID, str]] = Counter()
    for one in counts:
        if one.figure == figure:
            n[one.workflow, one.slot] += one.n
    return n


COLLECTORS: tuple[type[PerWorkflow], ...] = (Flow, Models, Watch)
