"""Tell people and other programs that a training run ended."""

from datetime import datetime

from lifecycle.enums import RunStatus
from lifecycle.models import TrainingRun
from reviewqueue.enums import NoticeKind
from reviewqueue.services.notices import notify


def tell_end(run: TrainingRun, *, now: datetime, n_versions: int = 0) -> None:
    """Write the notice of an end, in the transaction that wrote the end."""
    notify(
        workflow=run.workflow,
        kind=NoticeKind.TRAINING_ENDED,
        text=_words(run, n_versions),
        data={
            "training_run": str(run.pk),
            "status": run.status,
            "trigger": run.trigger,
            "why": run.why,
            "said": run.said,
        },
        now=now,
    )


def _words(run: TrainingRun, n_versions: int) -> str:
    if run.status == RunStatus.DONE:
        what = "1 candidate" if n_versions == 1 else f"{n_versions} candidates"
        return f"Training is done ({run.why}): {what} registered."
    if run.status == RunStatus.DECLINED:
        return f"Training was declined ({run.why}): {run.said}."
    return f"Training failed ({run.why}): {run.said}"
