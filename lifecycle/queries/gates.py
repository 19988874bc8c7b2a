"""Gate reports with their runs, and how they read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from lifecycle.enums import OPEN_GATE_RUNS, GateRunStatus
from lifecycle.models import GateRun
from predictions.models import GateReport, ModelVersion, Waiver, Workflow
from predictions.queries.promotion import gates_in_force, open_results, waivers_by_gate
from ui.numbers import MINUS, NOTHING, milliseconds

NAMES: Final[Mapping[str, str]] = {
    "recall_at_least": "Recall",
    "precision_at_least": "Precision",
    "false_positive_rate_at_most": "False-positive rate",
    "under_rate_at_most": "Said lower than true",
    "over_rate_at_most": "Said higher than true",
    "calibration_error_at_most": "Calibration error",
    "no_worse_than_champion": "No worse than the champion",
    "latency_p99_ms_at_most": "Latency, 99th percentile",
    "memory_mb_at_most": "Memory",
    "no_leaking_columns": "No leaking columns",
    "schema_match": "Columns as declared",
    "artifact_safety": "Safe artifact",
}
AMONG: Final[Mapping[str, str]] = {
    "positives": ", of positives",
    "others": ", of others",
}
UNITS: Final[Mapping[str, str]] = {
    "latency_p99_ms_at_most": "ms",
    "memory_mb_at_most": "MB",
}
# What each verdict is called, and the colour of its chip.
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "passed": ("passed", "good"),
    "failed": ("failed", "alarm"),
    "too_few": ("too few", "warn"),
    "waived": ("waived", "warn"),
}
WITHOUT_FIGURE: Final = ("no_leaking_columns", "schema_match", "artifact_safety")


@dataclass(frozen=True, slots=True)
class GateLine:
    """One result of a report, in words; `found` and `asked` with their units."""

    key: str
    title: str
    found: str
    interval: str
    n: int | None
    asked: str
    verdict: str
    tone: str
    says: str
    has_figure: bool
    is_open: bool
    waiver: Waiver | None


@dataclass(frozen=True, slots=True)
class VerdictChip:
    """What a version's newest report says in a word."""

    report_id: UUID
    word: str
    tone: str


def gate_runs(version: ModelVersion) -> QuerySet[GateRun]:
    """Return the runs of a version, newest first."""
    runs = GateRun.objects.filter(model_version=version)
    return _related(runs).order_by("-id")


def gate_run(pk: UUID) -> GateRun | None:
    return _related(GateRun.objects.filter(pk=pk)).first()


def open_run(version: ModelVersion) -> GateRun | None:
    """Return the newest run that has not ended."""
    return gate_runs(version).filter(status__in=OPEN_GATE_RUNS).first()


def _related(runs: QuerySet[GateRun]) -> QuerySet[GateRun]:
    return runs.select_related(
        "model_version__workflow", "champion", "snapshot", "created_by"
    )


def gate_report(pk: UUID) -> GateReport | None:
    return with_waivers(GateReport.objects.filter(pk=pk)).first()


def reports_by_id(pks: Iterable[UUID]) -> dict[UUID, GateReport]:
    return {one.pk: one for one in with_waivers(GateReport.objects.filter(pk__in=pks))}


def with_waivers(reports: QuerySet[GateReport]) -> QuerySet[GateReport]:
    related = reports.select_related("model_version__workflow", "champion", "by")
    return related.prefetch_related("waivers__by")


def newest_verdicts(workflow: Workflow) -> dict[UUID, VerdictChip]:
    """Return the newest report's verdict of every version that has one."""
    reports = with_waivers(GateReport.objects.filter(model_version__workflow=workflow))
    newest = reports.order_by("model_version_id", "-at", "-id")
    gates = gates_in_force(workflow.declaration)
    return {
        one.model_version_id: verdict_chip(one, gates)
        for one in newest.distinct("model_version_id")
    }


def verdict_chip(report: GateReport, gates: Sequence[Mapping[str, Any]]) -> VerdictChip:
    """Say a report in a word, also where the gates were changed since."""
    name = report.verdict
    if name != "passed" and not open_results(report):
        name = "waived"
    word, tone = VERDICTS[name]
    if report.gates != gates:
        return VerdictChip(report.pk, f"{word}, gates changed since", "warn")
    return VerdictChip(report.pk, word, tone)


def gate_lines(report: GateReport) -> list[GateLine]:
    """Return the results of a report as they are read."""
    waived = waivers_by_gate(report)
    return [_line(one, waived.get(one["key"])) for one in report.results]


def _line(result: Mapping[str, Any], waiver: Waiver | None) -> GateLine:
    kind, verdict = result["kind"], result["verdict"]
    word, tone = VERDICTS["waived" if waiver else verdict]
    has_figure = kind not in WITHOUT_FIGURE and result["value"] is not None
    return GateLine(
        key=result["key"],
        title=gate_title(result),
        found=_amount(kind, result["value"]) if has_figure else NOTHING,
        interval=_interval(result) if has_figure else "",
        n=result["n"] if result["low"] is not None else None,
        asked=_asked(result),
        verdict=word,
        tone=tone,
        says=result["says"],
        has_figure=has_figure,
        is_open=verdict != "passed" and waiver is None,
        waiver=waiver,
    )


def gate_title(result: Mapping[str, Any]) -> str:
    """Return what a result is called: the gate, among whom, in which slice."""
    among = AMONG.get(result["among"], "")
    where = f", in {result['segment']}" if result.get("segment") else ""
    return f"{NAMES[result['kind']]}{among}{where}"


def _asked(result: Mapping[str, Any]) -> str:
    kind, bound = result["kind"], result["bound"]
    if bound is None:
        return "none wrong"
    if kind in UNITS:
        return f"at most {bound:,.6g} {UNITS[kind]}"
    if kind == "no_worse_than_champion":
        return f"at most {100 * bound:g} points fewer right"
    side = "least" if kind.endswith("least") else "most"
    return f"at {side} {100 * bound:g} %"


def _interval(result: Mapping[str, Any]) -> str:
    kind, low, high = result["kind"], result["low"], result["high"]
    if low is None and high is None:
        return ""
    return " to ".join("no end" if x is None else _amount(kind, x) for x in (low, high))


def _amount(kind: str, value: float) -> str:
    if UNITS.get(kind) == "ms":
        return milliseconds(value)
    if kind in UNITS:
        return f"{value:,.1f} {UNITS[kind]}"
    unit = "points" if kind == "no_worse_than_champion" else "%"
    return f"{100 * value:.1f} {unit}".replace("-", MINUS)


def report_data(report: GateReport | None, run: GateRun | None) -> dict[str, Any]:
    """Return a report as JSON data; while there is none, the run that will make it.

    Raises: ValueError when there is neither.
    """
    one = report or run
    if one is None:
        raise ValueError("neither a report nor a run")
    version, champion = one.model_version, one.champion
    waivers = list(report.waivers.all()) if report else []
    waived = {waiver.gate for waiver in waivers}
    return {
        "id": one.pk,
        "workflow": version.workflow.slug,
        "model_version": version.number,
        "model_version_id": version.pk,
        "champion": champion.number if champion else None,
        "champion_id": champion.pk if champion else None,
        "snapshot_id": one.snapshot_id,
        "status": GateRunStatus.DONE.value if report or not run else run.status,
        "step": None if report or not run else run.step or None,
        "said": None if report or not run else run.said or None,
        "verdict": report.verdict if report else None,
        "gates": one.gates,
        "results": [
            {**result, "waived": result["key"] in waived}
            for result in (report.results if report else [])
        ],
        "waivers": [waiver_data(waiver) for waiver in waivers],
        "evidence": report.evidence if report else {},
        "at": one.at if isinstance(one, GateReport) else one.created_at,
    }


def waiver_data(waiver: Waiver) -> dict[str, Any]:
    """Return who let a version past which gate, and why, as JSON data."""
    return {
        "id": waiver.pk,
        "gate": waiver.gate,
        "reason": waiver.reason,
        "by": waiver.by_id,
        "at": waiver.at,
    }
