"""States, kinds and their transitions; each value says how it is entered."""

from django.db import models


class PolicyMode(models.TextChoices):
    ALL = "all"  # people see everything
    ABOVE = "above"  # people see probability ≥ low
    BETWEEN = "between"  # people see low ≤ probability < high
    EARNED = "earned"  # people see each segment's share, as far as it is trusted


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
    # The model does not know items like it.
    UNLIKE = "unlike", "unlike what the model learnt from"
    UNSURE_FIELD = "unsure_field", "a field that the model is not sure of"


class CaseKind(models.TextChoices):
    REVIEW = "review"  # opened by routing
    SECOND = "second"  # opened by the first decision on a drawn share
    ADJUDICATION = "adjudication"  # disagreement, escalation, "can't tell"
    GOLD = "gold"  # its label is known: measures the reviewer, unannounced


class Queue(models.TextChoices):
    REVIEW = "review"  # for reviewers: kinds review and second
    ADJUDICATION = "adjudication"  # for adjudicators


QUEUE_OF_KIND = {
    CaseKind.REVIEW: Queue.REVIEW,
    CaseKind.SECOND: Queue.REVIEW,
    CaseKind.ADJUDICATION: Queue.ADJUDICATION,
    CaseKind.GOLD: Queue.REVIEW,
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


class EvidenceKind(models.TextChoices):
    BLIND = "blind"  # judged without the recommendation, by adjudication, late truth
    ALL = "all"  # whatever people decided


class MoveKind(models.TextChoices):
    GRANT = "grant"  # one level down the ladder; by shadow evidence perhaps more
    WITHDRAW = "withdraw"  # back to review all


class MoveCause(models.TextChoices):
    EVIDENCE = "evidence"  # the bound is at or under what is tolerated
    SHADOW = "shadow"  # so is the bound on what a new champion said in shadow
    ALARM = "alarm"  # errors come more often than is tolerated
    BOUND = "bound"  # the error rate is surely above what is tolerated
    MISSING_AUDITS = "missing_audits"  # too many audits are overdue
    REVIEWERS = "reviewers"  # too little evidence by reviewers above the gold floor
    DRIFT = "drift"  # inputs or scores are not those of the evidence
    CHAMPION = "champion"  # another version, or another reign, began
    PLAN = "plan"  # the terms changed, and the evidence does not meet the new ones
    BY_HAND = "by_hand"  # a supervisor said so


class GoldSource(models.TextChoices):
    SETTLED = "settled"  # its label was settled by people here
    UPLOAD = "upload"  # its label came from outside


class NoticeKind(models.TextChoices):
    GRANTED = "autonomy.granted"
    WITHDRAWN = "autonomy.withdrawn"
    FLOOR_REACHED = "autonomy.floor"  # a segment came to the audit floor
    GOLD_FLOOR = "reviewer.below_floor"  # a reviewer's decisions stopped counting
    ALERT_RAISED = "alert.raised"
    ALERT_RESOLVED = "alert.resolved"
    TRAINING_ENDED = "training.ended"  # a run was done, declined or failed
    STAGE_CHANGED = "model.stage"  # whose recommendations are met changed
    COMPARISON_DECIDED = "comparison.decided"  # a version is better, no worse, worse


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting"  # to be sent, or sent again, at its moment
    DELIVERED = "delivered"  # answered with 2xx
    GIVEN_UP = "given_up"  # every try failed
