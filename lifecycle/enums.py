"""States and kinds, each with the way into it."""

from django.db import models


class Trigger(models.TextChoices):
    """Why a training run was asked for."""

    HAND = "hand"  # a person or a program asked
    SCHEDULE = "schedule"  # so many days after the last one
    LABELS = "labels"  # so many new labels since the last one
    DRIFT = "drift"  # a model monitor raised an alert


class RunStatus(models.TextChoices):
    """Where a training run stands."""

    WAITING = "waiting"  # asked for
    RUNNING = "running"  # a worker is at it
    DONE = "done"  # its candidates are registered, or the report says why not
    DECLINED = "declined"  # there was too little to learn from
    FAILED = "failed"  # it could not be finished
    CANCELLED = "cancelled"  # a person stopped it


OPEN_RUNS = (RunStatus.WAITING, RunStatus.RUNNING)


class GateRunStatus(models.TextChoices):
    """Where the holding of a version against its gates stands."""

    WAITING = "waiting"  # asked for
    RUNNING = "running"  # a worker is at it
    DONE = "done"  # the report says what came of it
    FAILED = "failed"  # it could not be finished


OPEN_GATE_RUNS = (GateRunStatus.WAITING, GateRunStatus.RUNNING)


class MonitorKind(models.TextChoices):
    """What a monitor watches, which says who owns it."""

    INFRASTRUCTURE = "infrastructure"  # latency, errors, queue, workers, cost
    MODEL = "model"  # drift, calibration, missing values, accuracy
    BUSINESS = "business"  # the workflow's one metric


class ReadingVerdict(models.TextChoices):
    """What one look of a monitor found."""

    FINE = "fine"
    ALARM = "alarm"
    TOO_FEW = "too_few"  # nothing can be said at this n
    SILENT = "silent"  # what it reads from did not answer


class AlertStatus(models.TextChoices):
    """Where an alert stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"  # somebody is at it
    RESOLVED = "resolved"  # over, with a note


OPEN_ALERTS = (AlertStatus.RAISED, AlertStatus.ACKNOWLEDGED)


class MailStatus(models.TextChoices):
    """What became of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"  # every try failed


class ProofKind(models.TextChoices):
    """What was tried or looked through, as the readiness page asks."""

    RESTORE = "restore"  # a backup was restored and its rows were counted
    RIGHTS = "rights"  # somebody went through who may do what


class Answer(models.TextChoices):
    """What the evidence says to one question about a workflow."""

    YES = "yes"
    NO = "no"  # there is evidence, and it says otherwise
    TOO_OLD = "too_old"  # it was so once
    NEVER = "never"  # there is no evidence


class RiskFunction(models.TextChoices):
    """Which function of the NIST AI Risk Management Framework a question belongs to."""

    GOVERN = "govern"  # who answers for it, and who looks after them
    MAP = "map"  # what it is for, and whom it concerns
    MEASURE = "measure"  # what is known of how it does
    MANAGE = "manage"  # what is done about it
