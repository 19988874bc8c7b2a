"""Monitors of a workflow: what each found of late, and one of them in detail."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from lifecycle.enums import OPEN_ALERTS, MonitorKind, ReadingVerdict
from lifecycle.judging.business import NAMES, in_words
from lifecycle.models import Reading
from lifecycle.queries.monitoring import N_SHOWN, alerts_of, readings_of
from lifecycle.services.monitors.overview import Watched, overview_of, watched_of
from lifecycle.services.monitors.registry import BY_KEY, Monitor
from lifecycle.views.monitor_charts import trend, weeks_chart
from lifecycle.views.monitor_values import value_in_words
from predictions.declaration import Declaration
from predictions.models import Workflow
from predictions.views.access import open_workflow
from ui import numbers
from ui.figures import sparkline

TITLES = {
    MonitorKind.INFRASTRUCTURE: "Infrastructure",
    MonitorKind.MODEL: "Model",
    MonitorKind.BUSINESS: "Business",
}
VERDICTS = {
    ReadingVerdict.FINE: ("fine", "good"),
    ReadingVerdict.ALARM: ("alarm", "alarm"),
    ReadingVerdict.TOO_FEW: ("too few", ""),
    ReadingVerdict.SILENT: ("silent", "warn"),
}
DRIFTS = ("drift_features", "drift_scores")


@require_GET
def monitor_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the three kinds of monitors, a row for each monitor."""
    page, workflow = open_workflow(request, slug, Permission.MONITORS_VIEW)
    now = timezone.now()
    watched = overview_of(workflow, now=now)
    sections = [
        {
            "kind": kind.value,
            "title": title,
            "rows": [
                _row(one, workflow) for one in watched if one.monitor.kind == kind
            ],
        }
        for kind, title in TITLES.items()
    ]
    verdicts = [one.verdict for one in watched]
    context = {
        "workflow": workflow,
        "sections": sections,
        "counts": [
            (words, tone, verdicts.count(verdict))
            for verdict, (words, tone) in VERDICTS.items()
        ],
        "n_open": sum(one.alert is not None for one in watched),
        "false_alarms": workflow.declaration.monitoring.false_alarms_per_year,
        "now": now,
    }
    return render(page, "lifecycle/monitor_list.html", context)


def _row(one: Watched, workflow: Workflow) -> dict[str, object]:
    words, tone = VERDICTS[ReadingVerdict(one.verdict)]
    last = one.last
    return {
        "monitor": one.monitor,
        "owner": one.owner,
        "limit": one.limit,
        "last": last,
        "verdict": words,
        "tone": tone,
        "alert": one.alert,
        "value": value_in_words(one.monitor, last, workflow.declaration),
        "trend": _small_trend(one) if len(one.readings) > 1 else "",
    }


def _small_trend(one: Watched) -> SafeString:
    values = [reading.value for reading in one.readings]
    return sparkline(
        values=values, label=f"{one.monitor.title}, {len(values)} readings"
    )


@require_GET
def monitor_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one monitor: its trend, its last reading in full, its newest readings.

    `monitor` in the query names it; `feature` one input of a drift look.
    """
    page, workflow = open_workflow(request, slug, Permission.MONITORS_VIEW)
    monitor = BY_KEY.get(request.GET.get("monitor", "drift_features"))
    if monitor is None:
        raise Http404
    readings = list(readings_of(workflow, monitor.key)[:N_SHOWN])
    alert = (
        alerts_of(workflow).filter(monitor=monitor.key, status__in=OPEN_ALERTS).first()
    )
    one = watched_of(workflow, monitor, readings[::-1], alert, now=timezone.now())
    said = next((r for r in readings if r.verdict != ReadingVerdict.TOO_FEW), None)
    context = {
        "workflow": workflow,
        "row": _row(one, workflow),
        "monitor": monitor,
        "chart": trend(monitor, readings[::-1], workflow.declaration),
        "readings": [
            _line(reading, monitor, workflow.declaration) for reading in readings
        ],
        "shown": said or one.last,
        "detail": _detail(monitor, said, request.GET.get("feature", ""), workflow),
    }
    return render(page, "lifecycle/monitor_detail.html", context)


def _line(
    reading: Reading, monitor: Monitor, declaration: Declaration
) -> dict[str, object]:
    words, tone = VERDICTS[ReadingVerdict(reading.verdict)]
    return {
        "reading": reading,
        "verdict": words,
        "tone": tone,
        "value": value_in_words(monitor, reading, declaration),
    }


def _detail(
    monitor: Monitor, reading: Reading | None, feature: str, workflow: Workflow
) -> Mapping[str, object]:
    """Return what the page shows of a reading's data, by the kind of it."""
    if reading is None:
        return {}
    data: Mapping[str, Any] = reading.data
    if monitor.key in DRIFTS:
        return _drift(data, feature, workflow.declaration)
    if monitor.key == "business" and "measure" in data:
        return _business(data, workflow.declaration)
    return {
        "rises": data.get("rises"),
        "rules": sorted(data.get("rules", {}).items(), key=lambda one: -one[1]),
        "bins": data.get("bins"),
        "by_chance": data.get("by_chance"),
        "rates": [
            (name, data[key])
            for key, name in (
                ("right", "All known truths"),
                ("by_people", "By people"),
                ("by_outcomes", "By outcomes"),
            )
            if key in data
        ],
    }


def _drift(
    data: Mapping[str, Any], feature: str, declaration: Declaration
) -> Mapping[str, object]:
    rows = sorted(data.get("features", ()), key=lambda one: -(one["distance"] or 0.0))
    wanted = [one for one in rows if one["name"] == feature]
    chosen = next(iter(wanted or rows), None)
    return {
        "features": [one | {"title": _title(one["name"], declaration)} for one in rows],
        "chosen": chosen,
        "chosen_title": _title(chosen["name"], declaration) if chosen else "",
        "changes": [_changed(one) for one in chosen["changes"]] if chosen else [],
        "reference": data.get("reference", ""),
        "decisions": data.get("decisions"),
        "budget": data.get("budget"),
        "n_before": data.get("n_before"),
        "n_after": data.get("n_after"),
    }


def _changed(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **line,
        "before_words": _amount(line["before"]),
        "after_words": _amount(line["after"]),
    }


def _amount(value: float | None) -> str:
    return numbers.NOTHING if value is None else numbers.amount(value)


def _title(name: str, declaration: Declaration) -> str:
    feature = declaration.feature(name)
    if feature is None:
        return name.capitalize()
    is_text = feature.type == "text"
    return f"{feature.label}, share of unknown words" if is_text else feature.label


def _business(
    data: Mapping[str, Any], declaration: Declaration
) -> Mapping[str, object]:
    what, currency = str(data["measure"]), declaration.costs.currency
    weeks: Sequence[Mapping[str, Any]] = data.get("weeks", ())
    return {
        "measure": NAMES[what],
        "metric": declaration.metric,
        "weeks_chart": weeks_chart(what, weeks, currency),
        "weeks": [(one["since"], _figure(what, one, currency)) for one in weeks],
        "promotions": [
            {
                "version": one["version"],
                "at": one["at"][:10],
                "before": _figure(what, one["before"], currency),
                "after": _figure(what, one["after"], currency),
                "change": _change(what, one["change"], currency),
            }
            for one in data.get("promotions", ())
        ],
    }


def _figure(what: str, one: Mapping[str, Any], currency: str) -> dict[str, object]:
    if one["value"] is None:
        return {"value": "", "n": one["n"]}
    ends = [one["low"], one["high"]]
    words = [in_words(what, end, currency) if end is not None else "?" for end in ends]
    return {
        "value": in_words(what, one["value"], currency),
        "range": " to ".join(words),
        "n": one["n"],
    }


def _change(what: str, one: Mapping[str, Any], currency: str) -> dict[str, object]:
    """Write a difference with its sign; shares in percentage points."""
    if one["value"] is None or one["low"] is None or one["high"] is None:
        return {"value": ""}

    def words(value: float) -> str:
        if what in ("cost_per_item", "false_alarms_per_hit"):
            unit = f" {currency}" if what == "cost_per_item" else ""
            sign = "+" if value > 0 else numbers.MINUS if value < 0 else ""
            return f"{sign}{numbers.amount(abs(value))}{unit}"
        return f"{numbers.points(value)} points"

    is_sure = one["low"] > 0 or one["high"] < 0
    return {
        "value": words(one["value"]),
        "range": f"{words(one['low'])} to {words(one['high'])}",
        "is_sure": is_sure,
    }
