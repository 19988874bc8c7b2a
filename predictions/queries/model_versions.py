"""Model versions of a workflow and what happened to them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, QuerySet, Sum

from predictions.enums import ModelEventKind, Stage
from predictions.models import ModelEvent, ModelVersion, Workflow

RECOMMENDING: Final = (Stage.CHALLENGER, Stage.CHAMPION)
# What a row of the API or a list need not read.
LARGE_FIELDS = ("columns", "calibration", "references", "report")


def model_versions(workflow: Workflow) -> QuerySet[ModelVersion]:
    """Return the versions, newest first."""
    versions = ModelVersion.objects.filter(workflow=workflow)
    return versions.select_related("created_by").order_by("-number")


def champion_of(workflow: Workflow) -> ModelVersion | None:
    """Return the version whose recommendations people meet, if there is one."""
    return ModelVersion.objects.filter(workflow=workflow, stage=Stage.CHAMPION).first()


def former_champion(workflow: Workflow) -> ModelVersion | None:
    """Return who served before the present champion first did, if still there."""
    moves = ModelEvent.objects.filter(
        model_version__workflow=workflow, to_stage=Stage.CHAMPION
    )
    present = moves.filter(model_version__stage=Stage.CHAMPION)
    first = present.order_by("id").first()
    former = moves.filter(model_version__stage=Stage.RETIRED)
    if first is not None:
        former = former.filter(id__lt=first.id)
    latest = former.select_related("model_version").order_by("-id").first()
    return latest.model_version if latest else None


def recommending_since(version: ModelVersion) -> datetime | None:
    """Return when a version last began to recommend, as challenger or as champion.

    None for one that never did.
    """
    began = ModelEvent.objects.filter(
        model_version=version, to_stage__in=RECOMMENDING
    ).exclude(from_stage__in=RECOMMENDING)
    return began.order_by("-id").values_list("at", flat=True).first()


def taken_back_at(version: ModelVersion) -> datetime | None:
    """Return when a version last ceased to be champion; None for one that never did."""
    ended = ModelEvent.objects.filter(model_version=version, from_stage=Stage.CHAMPION)
    return ended.order_by("-id").values_list("at", flat=True).first()


def events_of(version: ModelVersion, *, limit: int = 100) -> QuerySet[ModelEvent]:
    """Return the newest events of a version."""
    events = ModelEvent.objects.filter(model_version=version).select_related("actor")
    return events.order_by("-at", "-id")[:limit]


def recent_failures(
    workflow: Workflow, *, now: datetime, hours: int = 24
) -> list[Mapping[str, object]]:
    """Summarise failed batches of the last hours by version and reason."""
    return list(
        ModelEvent.objects.filter(
            model_version__workflow=workflow,
            kind=ModelEventKind.FAILED,
            at__gte=now - timedelta(hours=hours),
        )
        .values("model_version__number", "reason")
        .annotate(n_batches=Count("id"), n_failed=Sum("n_items"), last_at=Max("at"))
        .order_by("-last_at")
    )
