"""Look at versions beside their champions in the background, one task each."""

from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from lifecycle.services.comparisons import look_at, versions_to_compare
from predictions.models import ModelVersion
from predictions.services.wake_ups import wake

log = structlog.get_logger(__name__)


@shared_task(name="lifecycle.compare_versions")
def compare_versions(**kwargs: object) -> None:
    """Wake a look at every version that runs beside a champion."""
    for pk in versions_to_compare():
        wake("lifecycle.look_at_version", version_id=str(pk))


@shared_task(name="lifecycle.look_at_version")
def look_at_version(*, version_id: str, **kwargs: object) -> str:
    """Compare one version with the champion; return the verdict."""
    version = ModelVersion.objects.filter(pk=UUID(version_id)).first()
    if version is None:
        log.warning("version_gone", version_id=version_id)
        return ""
    look = look_at(version=version, now=timezone.now())
    return str(look.report["overall"]["verdict"]) if look else ""
