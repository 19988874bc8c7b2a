"""States, kinds and their transitions; each value says how it is entered."""

from django.db import models


class PolicyMode(models.TextChoices):
    ALL = "all"  # people see everything
    ABOVE = "above"  # people see probability ≥ low
    BETWEEN = "between"  # people see low ≤ probability < high


class RouteKind(models.TextChoices):
    AUTO = "auto"  # the recommendation stands
    REVIEW = "review"  # a person decides


class RouteReason(models.TextChoices):
    POLICY = "policy"  # the policy's rule sent it to people
    AUDIT = "audit"  # passed by the rule, drawn at random for people
    PASSED = "passed"  # passed by the rule, not drawn
    NO_CHAMPION = "no_champion"  # there was no model to ask
    MODEL_FAILED = "model_failed"  # the model raised, hung or answered nonsense
    UNCALIBRATED = "uncalibrated"  # no probability to hold against a threshold


class CaseKind(models.TextChoices):
    REVIEW = "review"  # opened by routing
    SECOND = "second"  # opened by the first decision on a drawn share
    ADJUDICATION = "adjudication"  # disagreement, escalation, "can't tell"


class Queue(models.TextChoices):
    REVIEW = "review"  # for reviewers: kinds review and second
    ADJUDICATION = "adjudication"  # for adjudicators


QUEUE_OF_KIND = {
    CaseKind.REVIEW: Queue.REVIEW,
    CaseKind.SECOND: Queue.REVIEW,
    CaseKind.ADJUDICATION: Queue.ADJUDICATION,
}


class CaseStatus(models.TextChoices):
    PENDING = "pending"  # opened, released, expired, skipped, woken or undone
    LEASED = "leased"  # claimed
    SNOOZED = "snoozed"  # put off by its holder until a moment
    DECIDED = "decided"  # its holder judged
    ESCALATED = "escalated"  # its holder passed it to an adjudicator
    WITHDRAWN = "withdrawn"  # what it was opened for was undone


CASE_TRANSITIONS: dict[CaseStatus, frozenset[CaseStatus]] = {
    CaseStatus.PENDING: frozenset({CaseStatus.LEASED, CaseStatus.WITHDRAWN}),
    CaseStatus.LEASED: frozenset(
        {
            CaseStatus.PENDING,
            CaseStatus.LEASED,  # expired and claimed by the next
            CaseStatus.SNOOZED,
            CaseStatus.DECIDED,
            CaseStatus.ESCALATED,
        }
    ),
    CaseStatus.SNOOZED: frozenset({CaseStatus.PENDING, CaseStatus.WITHDRAWN}),
    CaseStatus.DECIDED: frozenset({CaseStatus.LEASED, CaseStatus.PENDING}),  # undo
    CaseStatus.ESCALATED: frozenset(),
    CaseStatus.WITHDRAWN: frozenset(),
}
OPEN_STATUSES = (CaseStatus.PENDING, CaseStatus.LEASED, CaseStatus.SNOOZED)
CLAIMABLE_STATUSES = (CaseStatus.PENDING, CaseStatus.LEASED)


class CaseEventKind(models.TextChoices):
    OPENED = "opened"
    CLAIMED = "claimed"
    RELEASED = "released"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ESCALATED = "escalated"
    DECIDED = "decided"
    UNDONE = "undone"
    AMENDED = "amended"
    REASSIGNED = "reassigned"
    WITHDRAWN = "withdrawn"


class Verdict(models.TextChoices):
    CONFIRM = "confirm"  # the recommendation stands
    OVERRIDE = "override"  # another label
    UNSURE = "unsure"  # no label: goes to an adjudicator


class RetractionKind(models.TextChoices):
    UNDO = "undo"  # taken back within the window
    AMEND = "amend"  # replaced, with a reason, after it


class LabelSource(models.TextChoices):
    DECISION = "decision"  # one person, or two who agree
    ADJUDICATION = "adjudication"  # an adjudicator after disagreement or escalation
    OUTCOME = "outcome"  # late truth from outside: stands above the others
    RETRACTED = "retracted"  # the decision behind it was undone; the label is empty


class SnapshotStatus(models.TextChoices):
    QUEUED = "queued"  # requested
    BUILDING = "building"  # a worker writes it
    READY = "ready"  # written and hashed
    FAILED = "failed"  # could not be written; the reason is kept
