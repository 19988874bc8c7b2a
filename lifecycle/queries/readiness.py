"""The evidence about a workflow, as the database has it."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from accounts.enums import Role
from accounts.models import Membership
from lifecycle.enums import OPEN_RUNS, ProofKind, ReadingVerdict, RunStatus
from lifecycle.judging.business import HIGHER_IS_BETTER, NAMES, in_words
from lifecycle.judging.evidence import (
    Arriving,
    Improving,
    Judged,
    Named,
    Proved,
    Serving,
    Trained,
)
from lifecycle.models import Proof, Reading, TrainingRun
from lifecycle.queries.arrivals import newest_refusals
from lifecycle.queries.service_figures import last_item_at
from predictions.learning.evaluation import wilson_interval
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.queries.model_versions import champion_of
from predictions.queries.promotion import newest_report, open_results, waivers_by_gate
from reviewqueue.enums import CaseKind, CaseStatus, LabelSource, Verdict
from reviewqueue.models import Case, Decision, Route
from reviewqueue.queries.operations import MAX_COUNTED
from reviewqueue.queries.tallies import Days, sums

N_ARRIVALS: Final = 500
WINDOW: Final = timedelta(days=90)
SILENT_DAYS: Final = 7
LEAST_TRAINING: Final = timedelta(days=92)
BY_PEOPLE: Final = (LabelSource.DECISION.value, LabelSource.ADJUDICATION.value)


def named(workflow: Workflow) -> Named:
    """Read what the workflow file names, and who has which part in it."""
    declaration = workflow.declaration
    roles = Membership.objects.filter(scope_id=workflow.pk, user__is_active=True)
    reviewers = roles.filter(role=Role.REVIEWER, user__is_service=False)
    supervisors = roles.filter(role=Role.SUPERVISOR).select_related("user")
    names = [one.user.display_name for one in supervisors.order_by("user__username")]
    return Named(
        version=workflow.version,
        at=workflow.updated_at,
        question=declaration.question,
        metric=declaration.metric,
        n_reviewers=reviewers.values("user").distinct().count(),
        owners=declaration.owners.model_dump(),
        supervisors=", ".join(names),
    )


def serving(workflow: Workflow) -> Serving | None:
    """Read who is champion, when it scored last, and what its gates say."""
    champion = champion_of(workflow)
    if champion is None:
        return None
    report = newest_report(champion)
    return Serving(
        name=champion.short_name,
        pk=champion.pk,
        last_scored_at=_last_scored_at(champion),
        n_gates=len(workflow.declaration.gates),
        report_at=report.at if report else None,
        open_gates=len(open_results(report)) if report else 0,
        n_waived=len(waivers_by_gate(report)) if report else 0,
    )


def _last_scored_at(version: ModelVersion) -> datetime | None:
    """Look at the newest route: every item is scored by the champion of its moment."""
    newest = Route.objects.filter(workflow_id=version.workflow_id).order_by(
        "-routed_at"
    )
    found = newest.values_list("model_version_id", "routed_at")[:N_ARRIVALS]
    return next((at for pk, at in found if pk == version.pk), None)


def arriving(workflow: Workflow, *, now: datetime) -> Arriving:
    """Read what came last, and how much of it was refused."""
    found = newest_refusals(workflow, until=now, most=N_ARRIVALS)
    interval = wilson_interval(found.k, found.n) if found.n else None
    monitoring = workflow.declaration.monitoring
    return Arriving(
        last_at=last_item_at(workflow),
        k=found.k,
        n=found.n,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=monitoring.quarantine_share,
        silent_after=timedelta(minutes=monitoring.silent_minutes)
        or timedelta(days=SILENT_DAYS),
    )


def trained(workflow: Workflow) -> Trained | None:
    """Read the newest run that learnt or tried to, and the gates of its versions."""
    ended = TrainingRun.objects.filter(workflow=workflow).exclude(status__in=OPEN_RUNS)
    run = ended.exclude(status=RunStatus.DECLINED).order_by("-pk").first()
    if run is None or run.ended_at is None:
        return None
    every = timedelta(days=2 * workflow.declaration.retraining.every_days)
    return Trained(
        pk=run.pk,
        status=run.status,
        says=run.said[:300],
        at=run.ended_at,
        trigger=run.get_trigger_display().lower(),
        gates=_gates_of(run),
        within=max(every, LEAST_TRAINING),
    )


def _gates_of(run: TrainingRun) -> list[tuple[str, str]]:
    versions = ModelVersion.objects.filter(
        workflow_id=run.workflow_id, report__training_run=str(run.pk)
    )
    reports = GateReport.objects.filter(model_version__in=versions).order_by("at", "pk")
    newest = {
        one.model_version.short_name: one.get_verdict_display().lower()
        for one in reports.select_related("model_version")
    }
    return list(newest.items())


def judged(workflow: Workflow, *, now: datetime) -> Judged:
    """Count what people did in 90 days, and find the run that learnt from people."""
    found = sums(workflow.pk, Days.covering(now - WINDOW, now))
    decided = [one for one in found if one.figure == "kind"]
    verdicts: Counter[str] = Counter()
    for one in decided:
        verdicts[one.slot.rpartition(".")[2]] += one.n
    escalated = Case.objects.filter(
        workflow=workflow, status=CaseStatus.ESCALATED, created_at__gte=now - WINDOW
    )
    newest = Decision.objects.filter(workflow=workflow).order_by("-decided_at", "-pk")
    run = _learnt_from_people(workflow)
    return Judged(
        n=verdicts.total(),
        n_overridden=verdicts[Verdict.OVERRIDE],
        n_unsure=verdicts[Verdict.UNSURE],
        n_adjudicated=sum(one.n for one in decided if one.key == CaseKind.ADJUDICATION),
        n_escalated=escalated.order_by()[:MAX_COUNTED].count(),
        last_at=newest.values_list("decided_at", flat=True).first(),
        fed_back_at=run.ended_at if run else None,
        run=run.pk if run else None,
        n_labels=_n_by_people(run),
    )


def _learnt_from_people(workflow: Workflow) -> TrainingRun | None:
    runs = TrainingRun.objects.filter(workflow=workflow, status=RunStatus.DONE)
    newest = runs.select_related("snapshot").order_by("-pk")[:20]
    return next((run for run in newest if _n_by_people(run)), None)


def _n_by_people(run: TrainingRun | None) -> int:
    sheet = run.snapshot.datasheet if run and run.snapshot else None
    sources: Mapping[str, int] = (sheet or {}).get("label_sources", {})
    return sum(sources.get(source, 0) for source in BY_PEOPLE)


def improving(
    workflow: Workflow, *, late_after: timedelta, now: datetime
) -> Improving | None:
    """Read the newest reading of the metric: against its aim, and by promotion."""
    readings = Reading.objects.filter(
        workflow=workflow,
        monitor="business",
        verdict__in=(ReadingVerdict.FINE, ReadingVerdict.ALARM),
    )
    newest = readings.order_by("-at").first()
    if newest is None or newest.value is None:
        return None
    what, aim = str(newest.data["measure"]), newest.data.get("aim")
    is_higher_better = what in HIGHER_IS_BETTER
    currency = workflow.declaration.costs.currency
    promotion = next(iter(newest.data.get("promotions", ())), None)
    says = newest.says
    is_better = None
    if promotion is not None:
        is_better = _is_better(promotion["change"], is_higher_better=is_higher_better)
        says += _around(what, promotion, is_better, currency)
    meets_aim = None
    if aim is not None:
        meets_aim = newest.value >= aim if is_higher_better else newest.value <= aim
        says += f" The aim is {in_words(what, aim, currency)}."
    return Improving(
        newest.at, now - newest.at > late_after, says, is_better, meets_aim
    )


def _is_better(change: Mapping[str, Any], *, is_higher_better: bool) -> bool | None:
    low, high = change["low"], change["high"]
    if low is None or high is None or low <= 0 <= high:
        return None
    is_higher: bool = low > 0
    return is_higher == is_higher_better


def _around(
    what: str, promotion: Mapping[str, Any], is_better: bool | None, currency: str
) -> str:
    before, after = promotion["before"], promotion["after"]
    if before["value"] is None or after["value"] is None:
        return f" Around the promotion of v{promotion['version']} too little is known."
    sure = {
        None: "which may be chance",
        True: "surely better",
        False: "surely worse",
    }
    return (
        f" {NAMES[what]} before v{promotion['version']}: "
        f"{in_words(what, before['value'], currency)} (n = {before['n']}), after: "
        f"{in_words(what, after['value'], currency)} (n = {after['n']}), "
        f"{sure[is_better]}."
    )


def newest_proof(kind: ProofKind, workflow: Workflow | None) -> Proof | None:
    """Return the newest proof of a kind, of one workflow or of all of them."""
    return proofs(kind, workflow).first()


def proofs(kind: ProofKind, workflow: Workflow | None) -> QuerySet[Proof]:
    """Return the proofs of a kind, newest first."""
    rows = Proof.objects.filter(kind=kind, workflow=workflow).select_related("by")
    return rows.order_by("-at", "-pk")


def proved(proof: Proof | None, *, n_changed: int = 0) -> Proved | None:
    """Return a proof as evidence."""
    if proof is None:
        return None
    by = proof.by.display_name if proof.by else "the operator"
    return Proved(proof.pk, proof.has_passed, proof.note, proof.at, by, n_changed)
