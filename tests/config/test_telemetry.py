"""Metrics of each workflow, the page that names them, and what is drawn from them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from accounts.models import User
from config.telemetry import COLLECTORS
from lifecycle.enums import MonitorKind, ReadingVerdict, RunStatus, Trigger
from lifecycle.models import Alert, Reading, TrainingRun
from lifecycle.services.monitors.registry import BY_KEY
from predictions.enums import ModelEventKind
from predictions.models import ModelEvent, ModelVersion, Prediction, Workflow
from reviewqueue.models import Decision
from reviewqueue.services.decisions import undo_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.workers import leave_sign
from tests.factories.predictions import make_items, make_workflow
from tests.reviewqueue.models.trust_rows import make_segment
from tests.reviewqueue.services.steps import amend, claim, decide

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads(
    (DOCS / "grafana" / "countersign.json").read_text(encoding="utf-8")
)
RULES = yaml.safe_load((DOCS / "grafana" / "alerts.yml").read_text())
ROW = re.compile(r"^\| `(countersign_\w+)` \|([^|]*)\|", re.MULTILINE)
PANELS = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
QUERIES = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for group in RULES["groups"] for rule in group["rules"]),
]
type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: Client) -> Samples:
    """Return each sample of ours by its name and labels."""
    answer = client.get("/metrics", headers={"Host": "localhost"})
    assert answer.status_code == 200
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(answer.content.decode())
        for one in family.samples
        if one.name.startswith("countersign_")
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    facts = frozenset({"workflow": "cards", **labels}.items())
    return samples.get((f"countersign_{name}", facts))


@pytest.fixture
def busy(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> Workflow:
    """A workflow with something of everything that is told."""
    moment = datetime.now(UTC)
    make_items(workflow, 4, now=moment)
    process_batch(workflow=workflow, limit=3, now=moment)
    case = claim(workflow, alice, now=moment)
    decide(case, alice, now=moment)
    _reading(workflow, "drift_features", MonitorKind.MODEL, ReadingVerdict.ALARM, 0.4)
    _reading(workflow, "latency", MonitorKind.INFRASTRUCTURE, ReadingVerdict.FINE, 7)
    _reading(workflow, "business", MonitorKind.BUSINESS, ReadingVerdict.TOO_FEW, None)
    Alert.objects.create(
        workflow=workflow,
        monitor="drift_features",
        kind=MonitorKind.MODEL,
        says="Moved.",
        raised_at=moment,
        last_seen_at=moment,
    )
    TrainingRun.objects.create(
        workflow=workflow,
        trigger=Trigger.HAND,
        seed=1,
        fingerprint="f",
        status=RunStatus.DECLINED,
        created_at=moment,
        ended_at=moment,
    )
    ModelEvent.objects.create(
        model_version=champion, kind=ModelEventKind.FAILED, n_items=3, at=moment
    )
    return workflow


def _reading(
    workflow: Workflow,
    monitor: str,
    kind: MonitorKind,
    verdict: ReadingVerdict,
    value: float | None,
) -> None:
    features = [
        {"name": "amount", "distance": 0.4},
        {"name": "night", "distance": None},
    ]
    now = datetime.now(UTC)
    for hours, was in ((2, 99.0), (1, value)):
        Reading.objects.create(
            workflow=workflow,
            monitor=monitor,
            kind=kind,
            verdict=verdict,
            value=was,
            n=500,
            says="",
            data={"features": features},
            at=now - timedelta(hours=hours),
        )


def test_work_is_counted(busy: Workflow, client: Client) -> None:
    told = scraped(client)

    assert of(told, "items_received_total") == 4
    assert of(told, "items_unscored") == 1
    assert of(told, "items_routed_total", kind="review", reason="policy") == 3
    assert of(told, "decisions_total") == 1
    assert of(told, "decisions_standing", way="shown", verdict="confirm") == 1
    age = of(told, "last_item_age_seconds")
    assert age is not None
    assert 0 <= age < 60


def test_decisions_that_are_taken_back_are_counted_beside(
    busy: Workflow, client: Client, alice: User
) -> None:
    decision = Decision.objects.get()
    now = datetime.now(UTC)
    amended = amend(decision, alice, now=now)
    undo_decision(decision_id=amended.pk, by=alice, now=now)

    told = scraped(client)

    assert of(told, "decisions_total") == 2
    assert of(told, "retractions_total", kind="amend") == 1
    assert of(told, "retractions_total", kind="undo") == 1
    assert of(told, "decisions_standing", way="shown", verdict="confirm") == 0


def test_scoring_times_are_a_histogram_of_the_last_minutes(
    busy: Workflow, client: Client
) -> None:
    told = scraped(client)

    assert of(told, "scoring_seconds_bucket", le="+Inf") == 3
    assert of(told, "scoring_seconds_gcount") == 3
    ends = [float(end) for end in _ends(told)]
    counts = [of(told, "scoring_seconds_bucket", le=end) for end in _ends(told)]
    assert ends == sorted(ends)
    assert counts == sorted(counts)
    total = of(told, "scoring_seconds_gsum")
    assert total is not None
    seconds = sum(Prediction.objects.values_list("latency_ms", flat=True)) / 1000
    assert total == pytest.approx(seconds)


def _ends(told: Samples) -> list[str]:
    return sorted(
        (
            dict(labels)["le"]
            for name, labels in told
            if name == "countersign_scoring_seconds_bucket"
        ),
        key=float,
    )


def test_models_and_runs_are_told(busy: Workflow, client: Client) -> None:
    told = scraped(client)

    assert of(told, "champion", model="v1") == 1
    assert of(told, "model_failures_total", model="v1") == 1
    assert of(told, "training_runs", status="declined") == 1
    assert of(told, "training_runs", status="done") == 0


def test_newest_reading_of_each_monitor_is_told(busy: Workflow, client: Client) -> None:
    told = scraped(client)
    drift = {"kind": "model", "monitor": "drift_features"}
    metric = {"kind": "business", "monitor": "business"}

    assert of(told, "monitor_value", **drift) == 0.4
    assert of(told, "monitor_items", **drift) == 500
    assert of(told, "monitor_alarm", **drift) == 1
    age = of(told, "monitor_age_seconds", **drift)
    assert age is not None
    assert 3600 <= age < 3660
    assert of(told, "monitor_value", kind="infrastructure", monitor="latency") == 7
    assert of(told, "monitor_value", **metric) is None
    assert of(told, "monitor_alarm", **metric) == 0
    assert of(told, "drift_distance", feature="amount") == 0.4
    assert of(told, "drift_distance", feature="night") is None


def test_open_alerts_and_what_is_not_sent_are_told(
    busy: Workflow, client: Client
) -> None:
    told = scraped(client)

    assert of(told, "alerts_open", kind="model", status="raised") == 1
    assert of(told, "alerts_open", kind="business", status="raised") == 0
    assert of(told, "deliveries", status="given_up") == 0
    assert of(told, "alert_mails", status="waiting") == 0


def test_answers_are_timed_by_who_asked(busy: Workflow, client: Client) -> None:
    client.get("/api/v1/workflows", headers={"Host": "localhost"}, secure=True)

    told = scraped(client)

    facts = frozenset({("area", "api"), ("status", "4xx")})
    assert told["countersign_request_seconds_count", facts] >= 1


def test_scrape_takes_as_many_queries_with_more_workflows(
    busy: Workflow, client: Client, now: datetime
) -> None:
    def n_queries(collectors: tuple[type[Collector], ...]) -> int:
        with CaptureQueriesContext(connection) as queries:
            for one in collectors:
                list(one().collect())
        return len(queries)

    before = n_queries(COLLECTORS)
    make_workflow(now=now, slug="others")

    assert n_queries(COLLECTORS) == before


def test_nothing_is_told_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError

    monkeypatch.setattr("config.telemetry.Workflow.objects.order_by", away)

    for one in COLLECTORS:
        assert list(one().collect()) == []


# --- the page, the dashboard, the rules -----------------------------------------------


def families(samples: Samples) -> dict[str, set[str]]:
    """Return the names as the page writes them, each with its labels."""
    found: dict[str, set[str]] = {}
    for name, labels in samples:
        short = re.sub(r"_(bucket|count|sum|gcount|gsum|created)$", "", name)
        found.setdefault(short, set()).update(dict(labels))
    return found


@pytest.fixture
def every(
    busy: Workflow, client: Client, champion: ModelVersion
) -> dict[str, set[str]]:
    decision = Decision.objects.get()
    undo_decision(decision_id=decision.pk, by=decision.reviewer, now=datetime.now(UTC))
    leave_sign(now=datetime.now(UTC))
    make_segment(busy, champion, now=datetime.now(UTC))
    client.get("/health/live", headers={"Host": "localhost"})
    return families(scraped(client))


def test_page_names_every_metric_with_its_labels(every: dict[str, set[str]]) -> None:
    page = {
        name: set(re.findall(r"`(\w+)`", labels)) for name, labels in ROW.findall(PAGE)
    }

    assert page == every


@pytest.mark.parametrize("query", QUERIES)
def test_queries_use_metrics_and_labels_that_exist(query: str) -> None:
    known = {
        name: set(re.findall(r"`(\w+)`", labels)) for name, labels in ROW.findall(PAGE)
    }
    used = re.findall(r"(countersign_\w+)(?:\{([^}]*)\})?", query)

    assert used
    for name, selector in used:
        short = re.sub(r"_(bucket|count|sum)$", "", name)
        assert short in known, name
        assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selector)) <= known[short]
        grouped = re.findall(r"by \(([^)]*)\)", query)
        asked = {label.strip() for group in grouped for label in group.split(",")}
        assert asked <= set().union(*(known[_short(one)] for one, _ in used))
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")


def _short(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)


def test_monitors_that_queries_name_exist() -> None:
    named = {
        name for query in QUERIES for name in re.findall(r'monitor!?="(\w+)"', query)
    }

    assert named
    assert named <= set(BY_KEY)


def test_every_metric_is_drawn() -> None:
    drawn = {
        _short(name)
        for query in QUERIES
        for name in re.findall(r"countersign_\w+", query)
    }

    assert drawn >= {name for name, _ in ROW.findall(PAGE)}


def test_panels_lie_beside_each_other_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    rows = [one["title"] for one in DASHBOARD["panels"] if one["type"] == "row"]
    assert {"Infrastructure", "Model", "Business"} <= set(rows)
    assert len({one["id"] for one in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["targets"] for panel in PANELS)


def test_rules_have_what_prometheus_asks_for() -> None:
    for group in RULES["groups"]:
        names = [rule["alert"] for rule in group["rules"]]
        assert len(set(names)) == len(names)
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
