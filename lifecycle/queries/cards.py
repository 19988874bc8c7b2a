"""What a model card and a datasheet hold, beside what their pages show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle.queries.comparison import Report, comparison_of
from predictions.models import Approval, GateReport, ModelEvent, ModelVersion, Waiver
from predictions.queries.model_reports import ModelFacts, model_facts
from predictions.queries.model_versions import events_of
from predictions.queries.promotion import newest_report, waivers_by_gate
from reviewqueue.models import Snapshot
from reviewqueue.services.datasheets import LIMITS

MODEL_LIMITS = (
    "Figures are of rows that it had not seen, from the same source: they say nothing "
    "of other populations or of a changed world; monitors watch for that.",
    "Labels that it learnt from are people's or outside systems', and may be wrong.",
    "It recommends. Where the policy does not send an item to people, its "
    "recommendation stands until somebody says otherwise.",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One result of a gate, and the waiver that lets the version past it."""

    says: str
    verdict: str
    waiver: Waiver | None


@dataclass(frozen=True, slots=True)
class Card:
    """All that a model card tells of a version."""

    version: ModelVersion
    facts: ModelFacts
    sheet: Mapping[str, Any] | None  # of the snapshot that it learnt from
    report: GateReport | None
    judgements: Sequence[Judgement]
    comparison: Report | None  # with the champion, while it runs beside one
    approvals: Sequence[Approval]
    events: Sequence[ModelEvent]
    limits: Sequence[str]


def card_of(version: ModelVersion, *, now: datetime) -> Card:
    """Collect what is known of a version, whose workflow is loaded."""
    declaration = version.workflow.declaration
    report = newest_report(version)
    waivers = waivers_by_gate(report) if report else {}
    snapshots = Snapshot.objects.filter(workflow_id=version.workflow_id)
    learnt_from = [version.snapshot_id] if version.snapshot_id else []
    snapshot = snapshots.filter(pk__in=learnt_from).first()
    approvals = Approval.objects.filter(model_version=version).select_related("by")
    return Card(
        version=version,
        facts=model_facts(version, declaration),
        sheet=snapshot.datasheet if snapshot else None,
        report=report,
        judgements=[
            Judgement(
                one["says"], one["verdict"].replace("_", " "), waivers.get(one["key"])
            )
            for one in (report.results if report else ())
        ],
        comparison=comparison_of(version, now=now),
        approvals=list(approvals.order_by("at", "pk")),
        events=list(events_of(version)),
        limits=(
            *([declaration.data_note] if declaration.data_note else []),
            *MODEL_LIMITS,
        ),
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A datasheet, with shares beside its counts."""

    snapshot: Snapshot
    data: Mapping[str, Any]
    tables: Sequence[tuple[str, Sequence[tuple[str, int, float]]]]
    limits: Sequence[str]


COUNTS = {
    "labels": "Label",
    "label_sources": "Source of the label",
    "route_reasons": "Why it went where it went",
    "review_probabilities": "Review probability",
    "model_versions": "Model version",
    "policy_versions": "Policy version",
    "reviewers": "Reviewer (pseudonym)",
    "media": "Rows with a file",
    "missing": "Feature without a value",
}


def sheet_of(snapshot: Snapshot) -> Sheet:
    """Read the datasheet of a snapshot that is ready."""
    data: Mapping[str, Any] = snapshot.datasheet or {}
    n_rows = data.get("n_rows") or 1
    tables = [
        (title, [(name, n, n / n_rows) for name, n in data[key].items()])
        for key, title in COUNTS.items()
        if data.get(key)
    ]
    return Sheet(snapshot, data, tables, data.get("known_limits", LIMITS))
