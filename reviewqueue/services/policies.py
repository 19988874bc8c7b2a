"""Put a new version of a routing policy in force."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.models import Workflow
from reviewqueue.enums import PolicyMode
from reviewqueue.models import Policy
from reviewqueue.queries.policies import declared_policy, policy_in_force


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What a policy says; shares and thresholds in 0..1."""

    mode: str
    low: float
    high: float
    audit_share: float
    blind_share: float
    second_opinion_share: float


TERMS = tuple(one.name for one in fields(PolicyTerms))


class InvalidPolicy(ValueError):
    """The terms break a rule."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


@transaction.atomic
def put_policy(
    *,
    workflow: Workflow,
    terms: PolicyTerms,
    by: User | None,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Policy:
    """Append the next version, which is in force for every item routed after it.

    Locks the workflow, draws the seed of the version's draws.
    Raises: InvalidPolicy naming field, rule and value; also where the terms were
    written with another version in sight (`seen_version`) than the one in force.
    """
    if errors := _errors(terms):
        raise InvalidPolicy(errors)
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    last = policy_in_force(workflow)
    if seen_version not in {None, last.version}:
        raise InvalidPolicy([FieldError("version", "not_in_force", seen_version)])
    return Policy.objects.create(
        workflow=workflow,
        version=last.version + 1,
        **asdict(terms),
        seed=uuid4().int >> 65,
        reason=reason,
        created_by=by,
        created_at=now,
    )


def first_policy(*, workflow: Workflow, by: User | None, now: datetime) -> Policy:
    """Return the policy in force, or start with the one of the declaration.

    Locks the workflow only to start, so that two workers start one policy.
    """
    known = _highest(workflow)
    return known or _start(workflow=workflow, by=by, now=now)


@transaction.atomic
def _start(*, workflow: Workflow, by: User | None, now: datetime) -> Policy:
    Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)
    if known := _highest(workflow):
        return known
    declared = declared_policy(workflow)
    terms = PolicyTerms(**{name: getattr(declared, name) for name in TERMS})
    return put_policy(
        workflow=workflow, terms=terms, by=by, reason=declared.reason, now=now
    )


def _highest(workflow: Workflow) -> Policy | None:
    return Policy.objects.filter(workflow=workflow).order_by("-version").first()


def _errors(terms: PolicyTerms) -> list[FieldError]:
    errors = []
    if terms.mode not in PolicyMode.values:
        errors.append(FieldError("mode", "value", terms.mode))
    for name in ("low", "high", "blind_share", "second_opinion_share"):
        value = getattr(terms, name)
        if not 0 <= value <= 1:
            errors.append(FieldError(name, "range", value))
    if not 0 < terms.audit_share <= 1:
        errors.append(FieldError("audit_share", "range", terms.audit_share))
    if not terms.low <= terms.high:
        errors.append(FieldError("low", "above_high", terms.low))
    return errors
