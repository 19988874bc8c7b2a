"""Workflows that ship, and how long an item with a file takes in them."""

import time
from collections.abc import Mapping
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from predictions.declaration_text import without_gates
from predictions.models import Workflow
from predictions.services.media import keep_media
from predictions.services.workflows import declare_workflow
from reviewqueue.services.intake_scored import ingest_scored
from reviewqueue.services.policies import first_policy


def declare_shipped(slug: str) -> Workflow:
    """Declare a workflow that ships, without gates and under a name of its own."""
    path = settings.BASE_DIR / "workflows" / f"{slug}.toml"
    source = without_gates(path.read_text("utf-8"))
    source = source.replace(f'slug = "{slug}"', f'slug = "bench-{uuid4().hex[:8]}"')
    now = timezone.now()
    workflow, _ = declare_workflow(source_toml=source, by=None, now=now)
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def seconds_to_route(
    workflow: Workflow, data: bytes, features: Mapping[str, object]
) -> float:
    """Return the seconds from a file in hand to the route of its item.

    Raises: RuntimeError where no model answered.
    """
    begun = time.perf_counter()
    now = timezone.now()
    slot = workflow.declaration.media[0]
    kept = keep_media(workflow=workflow, data=data, by=None, now=now, slot=slot)
    raw = {
        "external_id": uuid4().hex,
        "occurred_at": now.isoformat(),
        "features": dict(features),
        "media": {slot.name: str(kept.media.pk)},
    }
    (answer,) = ingest_scored(workflow=workflow, raw_items=[raw], now=now)
    if answer.route is None or not answer.route.label:
        raise RuntimeError("it was not scored")
    return time.perf_counter() - begun
