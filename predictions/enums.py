"""States and kinds, each with the way into it."""

from django.db import models


class Stage(models.TextChoices):
    """Where a model version stands."""

    CANDIDATE = "candidate"  # registered
    SHADOW = "shadow"  # scores everything, decides nothing
    CHALLENGER = "challenger"  # scores everything, compared with the champion
    CHAMPION = "champion"  # its recommendations are the ones that people meet
    RETIRED = "retired"  # replaced, withdrawn or rolled back


STAGE_TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.CANDIDATE: frozenset({Stage.SHADOW, Stage.CHAMPION, Stage.RETIRED}),
    Stage.SHADOW: frozenset(
        {Stage.CANDIDATE, Stage.CHALLENGER, Stage.CHAMPION, Stage.RETIRED}
    ),
    Stage.CHALLENGER: frozenset({Stage.SHADOW, Stage.CHAMPION, Stage.RETIRED}),
    Stage.CHAMPION: frozenset({Stage.RETIRED}),
    # A rollback takes the former champion back.
    Stage.RETIRED: frozenset({Stage.SHADOW, Stage.CHAMPION}),
}
SCORING_STAGES = (Stage.CHAMPION, Stage.CHALLENGER, Stage.SHADOW)


class ModelEventKind(models.TextChoices):
    REGISTERED = "registered"
    STAGE_CHANGED = "stage_changed"
    FAILED = "failed"  # a batch could not be scored
    RECOVERED = "recovered"  # the first batch that could, after failures


class IntakeSource(models.TextChoices):
    API = "api"
    COMMAND = "command"
    UPLOAD = "upload"
    DEMO = "demo"


class QuarantineStatus(models.TextChoices):
    OPEN = "open"  # refused at intake
    RESUBMITTED = "resubmitted"  # corrected and stored as an item
    DISCARDED = "discarded"  # a person said that it is not wanted
