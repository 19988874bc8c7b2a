"""An item that is known to be good, to hold another one against."""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.permissions import Actor
from accounts.sites import Sites, within_sites
from predictions.enums import LIVE_MEDIA
from predictions.models import Item, ItemMedia, Workflow
from reviewqueue.models import GoldItem, Label
from reviewqueue.queries.visibility import hidden_item_ids

N_LOOKED_AT = 20


def good_examples(
    item: Item, workflow: Workflow, actor: Actor
) -> Mapping[str, ItemMedia]:
    """Return by slot an image of an item whose label is not positive, the newest first.

    Never a gold item, whose label must not get about, none that is hidden from the
    actor, and none of a site that they do not see.
    """
    declaration = workflow.declaration
    slots = [one.name for one in declaration.media if one.kind == "image"]
    if not slots:
        return {}
    ids = _good_items(item, workflow, actor.sites(workflow.pk))
    hidden = hidden_item_ids(actor, workflow.pk, ids)
    kept = [pk for pk in ids if pk not in hidden]
    rows = ItemMedia.objects.filter(
        item_id__in=kept, slot__in=slots, media__status__in=LIVE_MEDIA
    )
    by_place = {pk: place for place, pk in enumerate(kept)}
    found: dict[str, ItemMedia] = {}
    for row in sorted(
        rows.select_related("media", "item"), key=lambda one: by_place[one.item_id]
    ):
        found.setdefault(row.slot, row)
    return found


def _good_items(item: Item, workflow: Workflow, sites: Sites) -> list[UUID]:
    """Return the newest items whose label in force is one that is not positive."""
    declaration = workflow.declaration
    good = set(declaration.label_keys) - set(declaration.positive_labels)
    later = Label.objects.filter(item=OuterRef("item"), version__gt=OuterRef("version"))
    gold = GoldItem.objects.filter(item=OuterRef("item"))
    labels = Label.objects.filter(workflow=workflow, label__in=good)
    labels = (
        within_sites(labels, sites, "item__site")
        .exclude(item=item)
        .filter(~Exists(later), ~Exists(gold))
    )
    newest = labels.order_by("-created_at", "-pk").values_list("item_id", flat=True)
    return list(newest[:N_LOOKED_AT])
