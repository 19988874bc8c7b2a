"""The files of items, and what is left to say of those that were removed."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Prefetch

from accounts.sites import Sites
from predictions.models import (
    ItemMedia,
    MediaArchive,
    MediaDerivative,
    MediaFile,
    Workflow,
)


def media_of(
    workflow: Workflow, item_ids: Collection[UUID]
) -> Mapping[UUID, list[ItemMedia]]:
    """Return by item its files with what was made of them, in the order of slots.

    One query for all, and none for a workflow that never had a slot.
    """
    found: dict[UUID, list[ItemMedia]] = defaultdict(list)
    if not item_ids or not workflow.declaration.media:
        return found
    derivatives = Prefetch(
        "media__derivatives", MediaDerivative.objects.order_by("name")
    )
    rows = (
        ItemMedia.objects.filter(item_id__in=list(item_ids))
        .select_related("media__removed_by")
        .prefetch_related(derivatives)
    )
    places = {slot.name: place for place, slot in enumerate(workflow.declaration.media)}
    for row in sorted(rows, key=lambda one: (places.get(one.slot, 99), one.slot)):
        found[row.item_id].append(row)
    return found


def archives_of(workflow: Workflow, *, n: int = 5) -> list[MediaArchive]:
    """Return the newest archives that were sent to a workflow."""
    stored = MediaArchive.objects.filter(workflow=workflow).exclude(status="storing")
    return list(stored.select_related("created_by").order_by("-id")[:n])


def image_sizes(
    workflow: Workflow, item_ids: Collection[UUID]
) -> Mapping[UUID, Mapping[str, tuple[int, int]]]:
    """Return width and height of the items' images by slot, in one query."""
    found: dict[UUID, dict[str, tuple[int, int]]] = defaultdict(dict)
    if not item_ids or not workflow.declaration.media:
        return found
    rows = ItemMedia.objects.filter(item_id__in=list(item_ids), media__kind="image")
    for item, slot, width, height in rows.values_list(
        "item_id", "slot", "media__width", "media__height"
    ):
        if width and height:
            found[item][slot] = (width, height)
    return found


def visible_media(pk: UUID) -> MediaFile:
    """Return a file that was stored, or removed since. Raises: MediaFile.DoesNotExist.

    Who may see it is for the caller to ask.
    """
    stored = MediaFile.objects.exclude(status="storing")
    return stored.select_related("workflow", "removed_by").get(pk=pk)


def is_of_sites(media: MediaFile, sites: Sites) -> bool:
    """Say whether an item of these sites has the file."""
    if sites is None:
        return True
    return ItemMedia.objects.filter(media=media, item__site__in=sites).exists()
