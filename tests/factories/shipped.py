"""Workflows that ship, and items with a file."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from accounts.models import User
from predictions.declaration_text import without_gates
from predictions.enums import IntakeSource
from predictions.models import Item, Workflow
from predictions.services.intake import store_items
from predictions.services.media import keep_media
from predictions.services.workflows import declare_workflow
from reviewqueue.services.policies import first_policy


def shipped_text(slug: str, changes: Mapping[str, str] | None = None) -> str:
    """Return the file that ships, up to its gates, with pieces of it replaced."""
    path = settings.BASE_DIR / "workflows" / f"{slug}.toml"
    text = without_gates(path.read_text("utf-8"))
    for before, after in (changes or {}).items():
        assert before in text
        text = text.replace(before, after)
    return text


def make_shipped(
    slug: str, *, now: datetime, changes: Mapping[str, str] | None = None
) -> Workflow:
    workflow, _ = declare_workflow(
        source_toml=shipped_text(slug, changes), by=None, now=now
    )
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def store_with_file(
    workflow: Workflow,
    data: bytes,
    *,
    external_id: str,
    features: Mapping[str, object],
    by: User,
    now: datetime,
) -> Item:
    """Store an item with a file in the first slot, not yet scored."""
    slot = workflow.declaration.media[0]
    kept = keep_media(workflow=workflow, data=data, by=by, now=now, slot=slot)
    raw = {
        "external_id": external_id,
        "occurred_at": now.isoformat(),
        "features": dict(features),
        "media": {slot.name: str(kept.media.pk)},
    }
    store_items(
        workflow=workflow, chunks=[[raw]], source=IntakeSource.API, now=now, wake=False
    )
    return Item.objects.get(workflow=workflow, external_id=external_id)
