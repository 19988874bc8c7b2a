"""States and kinds, each with the way into it."""

from django.db import models


class Stage(models.TextChoices):
    """Where a model version stands."""

    CANDIDATE = "candidate"  # registered
    SHADOW = "shadow"  # scores everything, decides nothing
    CHALLENGER = "challenger"  # scores everything, recommends for a share of the items
    CHAMPION = "champion"  # recommends for all other items
    RETIRED = "retired"  # replaced, withdrawn or rolled back


STAGE_TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.CANDIDATE: frozenset({Stage.SHADOW, Stage.CHAMPION, Stage.RETIRED}),
    Stage.SHADOW: frozenset(
        {Stage.CANDIDATE, Stage.CHALLENGER, Stage.CHAMPION, Stage.RETIRED}
    ),
    # To itself: with another share of the items.
    Stage.CHALLENGER: frozenset(
        {Stage.SHADOW, Stage.CHALLENGER, Stage.CHAMPION, Stage.RETIRED}
    ),
    Stage.CHAMPION: frozenset({Stage.RETIRED}),
    # A rollback takes the former champion back.
    Stage.RETIRED: frozenset({Stage.SHADOW, Stage.CHAMPION}),
}
BESIDE = (Stage.SHADOW, Stage.CHALLENGER)
SCORING_STAGES = (Stage.CHAMPION, Stage.CHALLENGER, Stage.SHADOW)


class ModelEventKind(models.TextChoices):
    REGISTERED = "registered"
    STAGE_CHANGED = "stage_changed"
    FAILED = "failed"  # a batch could not be scored
    RECOVERED = "recovered"  # the first batch that could, after failures


class GateVerdict(models.TextChoices):
    """What the gates of a workflow said of a version, all together."""

    PASSED = "passed"
    FAILED = "failed"
    TOO_FEW = "too_few"  # nothing failed, and not everything could be judged


class ModelKind(models.TextChoices):
    """Where a version's scores come from."""

    ARTIFACT = "artifact"  # a file, run in a process of ours
    HTTP = "http"  # an address of the operator's
    SPEECH = "speech"  # a file that recognises words, run in a process of ours


FILE_KINDS = (ModelKind.ARTIFACT, ModelKind.SPEECH)


class IntakeSource(models.TextChoices):
    API = "api"
    COMMAND = "command"
    UPLOAD = "upload"
    DEMO = "demo"
    ARCHIVE = "archive"
    READINGS = "readings"  # made of what a machine sent


class QuarantineStatus(models.TextChoices):
    OPEN = "open"  # refused at intake
    RESUBMITTED = "resubmitted"  # corrected and stored as an item
    DISCARDED = "discarded"  # a person said that it is not wanted


class MediaKind(models.TextChoices):
    IMAGE = "image"
    AUDIO = "audio"


class MediaStatus(models.TextChoices):
    """Where a file stands; nobody sees it before it is pending."""

    STORING = "storing"  # named; its bytes are on their way
    PENDING = "pending"  # bytes written; previews to be made
    READY = "ready"  # a worker has made the previews
    FAILED = "failed"  # no preview could be made; the file itself is good
    REMOVED = "removed"  # by a person, by retention, or as nothing referred to it


LIVE_MEDIA = (MediaStatus.PENDING, MediaStatus.READY, MediaStatus.FAILED)


class DerivativeName(models.TextChoices):
    """What is made of a file to be shown in its place."""

    THUMBNAIL = "thumbnail"
    PREVIEW = "preview"
    WAVEFORM = "waveform"


class ArchiveStatus(models.TextChoices):
    """Where an archive stands that a worker reads."""

    STORING = "storing"  # its bytes are on their way
    QUEUED = "queued"  # stored whole; no worker has begun
    READING = "reading"  # a worker is at it, or was when it died
    DONE = "done"  # every row of the manifest became an item, a duplicate or refused
    FAILED = "failed"  # it cannot be read; what was stored before stays


class KeptPurpose(models.TextChoices):
    """What a file that its sender looks at first is to be taken in as."""

    READINGS = "readings"
    FAILURES = "failures"


class UploadPurpose(models.TextChoices):
    """What a file that comes in parts is to become."""

    MEDIA = "media"
    ARCHIVE = "archive"
