"""Move model versions, and tell people and other programs of it.

The registry moves; the notice is written in its transaction.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelVersion, Workflow
from predictions.queries.model_versions import champion_of
from predictions.services.registry import change_stage, roll_back
from reviewqueue.enums import NoticeKind
from reviewqueue.services.notices import notify


@transaction.atomic
def move_version(
    *,
    version: ModelVersion,
    to: Stage,
    by: User | None,
    reason: str,
    now: datetime,
    share: float | None = None,
) -> ModelVersion:
    """Move a version to another stage; what changes what people meet is told.

    Locks and writes as `change_stage`. Raises: StageRefused.
    """
    workflow = _locked(version.workflow)
    before = champion_of(workflow)
    moved = change_stage(
        version=version, to=to, by=by, reason=reason, now=now, share=share
    )
    if to == Stage.CHAMPION:
        text = f"{moved.short_name} is champion"
        if before is not None:
            text += f" in place of {before.short_name}"
        _tell(moved, text, former=before, by=by, reason=reason, now=now)
    elif to == Stage.CHALLENGER:
        share_met = f"{moved.route_share * 100:.3g} % of the items"
        text = f"{moved.short_name} is challenger and recommends for {share_met}"
        _tell(moved, text, former=None, by=by, reason=reason, now=now)
    elif to == Stage.RETIRED:
        text = f"{moved.short_name} was retired"
        _tell(moved, text, former=None, by=by, reason=reason, now=now)
    return moved


@transaction.atomic
def roll_back_champion(
    *, workflow: Workflow, by: User | None, reason: str, now: datetime
) -> ModelVersion:
    """Bring back the champion before the present one, and tell of it.

    Locks and writes as `roll_back`. Raises: StageRefused.
    """
    workflow = _locked(workflow)
    before = champion_of(workflow)
    version = roll_back(workflow=workflow, by=by, reason=reason, now=now)
    text = f"Rolled back: {version.short_name} is champion again"
    if before is not None:
        text += f", {before.short_name} is retired"
    _tell(version, text, former=before, by=by, reason=reason, now=now)
    return version


def _locked(workflow: Workflow) -> Workflow:
    return Workflow.objects.select_for_update(no_key=True).get(pk=workflow.pk)


def _tell(
    version: ModelVersion,
    text: str,
    *,
    former: ModelVersion | None,
    by: User | None,
    reason: str,
    now: datetime,
) -> None:
    whose = f" by {by.display_name}" if by is not None else ""
    notify(
        workflow=version.workflow,
        kind=NoticeKind.STAGE_CHANGED,
        text=f"{text}{whose}: {reason}",
        data={
            "model_version": version.number,
            "model_version_id": str(version.pk),
            "stage": version.stage,
            "former": former.number if former is not None else None,
        },
        now=now,
    )
