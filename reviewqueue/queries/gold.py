"""Gold items: the terms they are placed on, how often they were met, who errs on them.

An answer is a reviewer's first judgement of a gold item that was not taken back in
time. An amendment afterwards does not change it; "can't tell" is neither right nor
wrong and is counted beside.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from accounts.sites import ALL_SITES, Sites, within_sites
from predictions.models import Workflow
from reviewqueue.enums import CaseKind, RetractionKind, Verdict
from reviewqueue.models import Decision, GoldItem, TrustPlan
from reviewqueue.trust.gold_floor import MIN_ANSWERS, N_OF_RUN, is_surely_below

MAX_ANSWERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class GoldTerms:
    """What the plan in force says of gold; `share` is 0 where there is no plan."""

    share: float
    coaching: bool
    plan_version: int


def gold_terms(workflow_pk: UUID) -> GoldTerms:
    """Read the terms in force, in one statement."""
    found = (
        TrustPlan.objects.filter(workflow=workflow_pk)
        .order_by("-version")
        .values_list("gold_share", "coaching", "version")
        .first()
    )
    return GoldTerms(*found) if found else GoldTerms(0.0, False, 0)


def told_label(decision: Decision) -> str:
    """Return the known label where the decision was on gold and the plan coaches."""
    if decision.case_kind != CaseKind.GOLD:
        return ""
    if not gold_terms(decision.workflow_id).coaching:
        return ""
    return GoldItem.objects.values_list("label", flat=True).get(
        placements__case=decision.case_id
    )


def gold_answers(workflow: Workflow) -> QuerySet[Decision]:
    """Return the answers to the gold items of a workflow, with a label or without."""
    return (
        Decision.objects.filter(
            case__placement__gold__workflow=workflow,
            case_kind=CaseKind.GOLD,
            supersedes=None,
        )
        .exclude(retraction__kind=RetractionKind.UNDO)
        .annotate(known_label=F("case__placement__gold__label"))
    )


def met_counts(gold: Collection[GoldItem]) -> dict[UUID, tuple[int, int, int]]:
    """Return how often each was placed, answered with a label, and answered right."""
    of_decision = "placements__case__decisions"
    is_answer = Q(
        **{f"{of_decision}__supersedes": None, f"{of_decision}__pk__isnull": False}
    ) & (
        Q(**{f"{of_decision}__retraction": None})
        | Q(**{f"{of_decision}__retraction__kind": RetractionKind.AMEND})
    )
    is_judged = is_answer & ~Q(**{f"{of_decision}__verdict": Verdict.UNSURE})
    rows = (
        GoldItem.objects.filter(pk__in=[one.pk for one in gold])
        .annotate(
            n_met=Count("placements", distinct=True),
            n_judged=Count(of_decision, filter=is_judged),
            n_right=Count(
                of_decision,
                filter=is_judged & Q(**{f"{of_decision}__label": F("label")}),
            ),
        )
        .values_list("pk", "n_met", "n_judged", "n_right")
    )
    return {pk: (met, judged, right) for pk, met, judged, right in rows}


# From the placements to the decisions: they are few where decisions are many.
_NEWEST_RUNS = """
SELECT DISTINCT ON (reviewer_id)
       reviewer_id, run, count(*), count(*) FILTER (WHERE is_right)
FROM (
    SELECT d.reviewer_id, d.label = g.label AS is_right,
           (row_number() OVER (PARTITION BY d.reviewer_id
                               ORDER BY d.decided_at, d.id) - 1) / %(of_run)s AS run
    FROM reviewqueue_golditem g
    JOIN reviewqueue_goldplacement p ON p.gold_id = g.id
    JOIN reviewqueue_decision d ON d.case_id = p.case_id
        AND d.supersedes_id IS NULL AND d.label <> ''
    WHERE g.workflow_id = %(workflow)s
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_retraction t
                      WHERE t.decision_id = d.id AND t.kind = 'undo')
) answers
GROUP BY reviewer_id, run
HAVING count(*) >= %(minimum)s
ORDER BY reviewer_id, run DESC
"""


def reviewers_below_floor(workflow: Workflow, plan: TrustPlan) -> set[UUID]:
    """Return the reviewers who are surely right less often than the plan's floor.

    Of each the answers count in runs of 200, from the first on; the newest run with 20
    or more decides, by a confidence sequence: one may look as often as one likes, and
    of those at the floor or above at most 5 % are ever found below it.
    """
    values: dict[str, Any] = {
        "workflow": workflow.pk,
        "of_run": N_OF_RUN,
        "minimum": MIN_ANSWERS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_RUNS, values)
        return {
            reviewer
            for reviewer, run, n, n_right in cursor.fetchall()
            if is_surely_below(n_right, n, run=run, floor=plan.gold_floor)
        }


class Answer(NamedTuple):
    """An answer with a label, by what figures are cut into."""

    at: datetime
    recommended_label: str
    model: UUID | None
    probability: float | None
    reviewer: UUID
    reason_code: str
    is_right: bool


def judged_gold(
    workflow: Workflow,
    *,
    since: datetime,
    until: datetime,
    sites: Sites = ALL_SITES,
) -> list[Answer]:
    """Return the newest 20,000 answers with a label of a window."""
    rows = (
        within_sites(gold_answers(workflow), sites)
        .filter(decided_at__gte=since, decided_at__lt=until)
        .exclude(verdict=Verdict.UNSURE)
        .annotate(is_right=Q(label=F("known_label")))
        .order_by("-decided_at", "-pk")
        .values_list(
            "decided_at",
            "recommended_label",
            "model_version_id",
            "probability",
            "reviewer_id",
            "reason_code",
            "is_right",
        )[:MAX_ANSWERS]
    )
    return [Answer(*row) for row in rows]
