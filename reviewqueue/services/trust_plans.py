"""Put a new version of the terms of autonomy in force."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import partial
from itertools import pairwise

from django.db import transaction

from accounts.models import User
from predictions.declaration import Declaration, FieldError
from predictions.models import Workflow
from predictions.queries.model_versions import champion_of
from reviewqueue.enums import EvidenceKind
from reviewqueue.models import TrustPlan
from reviewqueue.queries.trust import (
    SITE_FEATURE,
    UNASKED,
    plan_in_force,
    segments_of,
)
from reviewqueue.services.segment_cuts import cut_segments
from reviewqueue.services.wake_ups import wake_watch
from reviewqueue.trust.ladder import MAX_TOLERATED

# What is changed with these begins anew: to choose the kinder of two readings of the
# same evidence would spend delta twice.
ANEW = ("segment_feature", "edges", "min_share", "evidence")
MIN_FLOOR = 0.001


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a plan says; shares and rates in 0..1, as `TrustPlan` describes them."""

    delta: float
    alpha: float
    evidence: str
    ladder: list[float]
    tolerated: dict[str, float]
    tolerated_fields: dict[str, float]
    review_minutes: float
    segment_feature: str
    edges: list[float]
    min_share: float
    min_reviews: int
    auto_grant: bool
    gold_share: float
    gold_floor: float
    drift_distance: float
    coaching: bool


TERMS = tuple(one.name for one in fields(PlanTerms))


class InvalidPlan(ValueError):
    """The terms break a rule."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


def terms_of(plan: TrustPlan) -> PlanTerms:
    """Return what a plan says."""
    return PlanTerms(**{name: getattr(plan, name) for name in TERMS})


@transaction.atomic
def put_plan(
    *,
    workflow: Workflow,
    terms: PlanTerms,
    by: User | None,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> TrustPlan:
    """Append the next version, in force from now on; locks the workflow.

    Nothing is granted by a plan. The next look, woken at once, judges by it: it takes
    back what does not meet the new terms, or is on no rung of the new ladder. Other
    slices, or other evidence, begin anew at review all, and so does all where a field
    is asked for nothing from now on, or for something again. A tolerated rate set by
    hand takes a reason.
    Raises: InvalidPlan naming field, rule and value; also where the terms were written
    with another version in sight (`seen_version`) than the one in force.
    """
    if errors := plan_errors(terms, workflow.declaration, reason=reason):
        raise InvalidPlan(errors)
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    last = plan_in_force(workflow)
    if seen_version not in {None, last.version}:
        raise InvalidPlan([FieldError("version", "not_in_force", seen_version)])
    plan = TrustPlan.objects.create(
        workflow=workflow,
        version=last.version + 1,
        **asdict(terms),
        reason=reason,
        created_by=by,
        created_at=now,
    )
    champion = champion_of(workflow)
    is_sliced_anew = any(getattr(last, one) != getattr(plan, one) for one in ANEW)
    is_sliced_anew |= _unasked(last) != _unasked(plan)
    if champion and is_sliced_anew and segments_of(champion):
        cut_segments(
            workflow=workflow, version=champion, plan=plan, now=now, is_anew=True
        )
    transaction.on_commit(partial(wake_watch, workflow.pk))
    return plan


def first_plan(*, workflow: Workflow, now: datetime) -> TrustPlan:
    """Return the plan in force, or start with the one that is suggested."""
    plan = plan_in_force(workflow)
    if plan.version:
        return plan
    return _start(workflow=workflow, now=now)


@transaction.atomic
def _start(*, workflow: Workflow, now: datetime) -> TrustPlan:
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    plan = plan_in_force(workflow)
    if plan.version:
        return plan
    terms = terms_of(plan)
    return put_plan(
        workflow=workflow, terms=terms, by=None, reason=plan.reason, now=now
    )


def plan_errors(
    terms: PlanTerms, declaration: Declaration, *, reason: str
) -> list[FieldError]:
    """Say what is wrong with terms, by field, rule and value."""
    errors = [
        FieldError(name, "range", getattr(terms, name))
        for name, low, high in _RANGES
        if not low <= getattr(terms, name) <= high
    ]
    if terms.evidence not in EvidenceKind.values:
        errors.append(FieldError("evidence", "value", terms.evidence))
    if not _is_ladder(terms.ladder):
        errors.append(FieldError("ladder", "falling_from_1", str(terms.ladder)))
    if not all(0 < low < high < 1 for low, high in pairwise([*terms.edges, 1 - 1e-9])):
        errors.append(FieldError("edges", "rising_in_unit", str(terms.edges)))
    categories = {SITE_FEATURE} | {
        one.name for one in declaration.features if one.type in {"category", "boolean"}
    }
    if terms.segment_feature and terms.segment_feature not in categories:
        errors.append(FieldError("segment_feature", "value", terms.segment_feature))
    for label, rate in terms.tolerated.items():
        if label not in declaration.label_keys:
            errors.append(FieldError("tolerated", "label", label))
        elif not 0 < rate <= MAX_TOLERATED:
            errors.append(FieldError("tolerated", "range", rate))
    errors += _field_errors(terms, declaration)
    is_by_hand = terms.tolerated or terms.tolerated_fields
    if is_by_hand and not reason.strip():
        errors.append(FieldError("reason", "missing", ""))
    return errors


def _field_errors(terms: PlanTerms, declaration: Declaration) -> list[FieldError]:
    known = {one.name for one in declaration.fields}
    errors = []
    for name, rate in terms.tolerated_fields.items():
        if name not in known:
            errors.append(FieldError("tolerated_fields", "field", name))
        elif not (0 < rate <= MAX_TOLERATED or rate == UNASKED):
            errors.append(FieldError("tolerated_fields", "range", rate))
    return errors


def _unasked(plan: TrustPlan) -> set[str]:
    return {name for name, rate in plan.tolerated_fields.items() if rate == UNASKED}


_RANGES = (
    ("delta", 1e-6, 0.5),
    ("alpha", 1e-6, 0.1),
    ("review_minutes", 0.01, 1440),
    ("min_share", 0, 1),
    ("min_reviews", 1, 100_000),
    ("gold_share", 0, 0.5),
    ("gold_floor", 0, 1),
    ("drift_distance", 0.01, 1),
)


def _is_ladder(ladder: list[float]) -> bool:
    falls = all(high > low for high, low in pairwise(ladder))
    return len(ladder) > 1 and ladder[0] == 1 and ladder[-1] >= MIN_FLOOR and falls
