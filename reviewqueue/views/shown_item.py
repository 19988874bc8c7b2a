"""What the desk and an item's page show alike: its files, its facts and its texts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from predictions.models import Item, ItemMedia, Workflow
from predictions.queries.measured import measurement_of
from reviewqueue.media_figures import media_figures
from reviewqueue.passages import apart_from_passages, passages
from reviewqueue.presentation import UNMEASURED, fact_groups
from reviewqueue.queries.desk import profile_of
from reviewqueue.queries.titles import item_title
from reviewqueue.standing import Earlier


def shown_item(
    item: Item,
    workflow: Workflow,
    *,
    blind: bool,
    good: Mapping[str, ItemMedia] | None = None,
    at: datetime | None = None,
    earlier: Sequence[Earlier] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is known of an item, and its part of a page.

    Who judges `blind` sees nothing of what was measured in its files; `good`, `at` and
    `earlier` as `media_figures` and `fact_groups` take them.
    """
    declaration = workflow.declaration
    measured = None if blind else measurement_of(item, declaration)
    known = {**item.features, **(measured.values if measured else {})}
    shown = declaration.features if blind else declaration.all_features
    context = {
        "title": item_title(item, workflow),
        "figures": media_figures(
            item, workflow, evidence=measured.evidence if measured else {}, good=good
        ),
        "unmeasured": UNMEASURED.get(measured.failure) if measured else None,
        "passages": passages(known, declaration),
        "groups": fact_groups(
            known,
            declaration,
            profile_of(workflow),
            shown=apart_from_passages(shown, declaration),
            at=at,
            earlier=earlier,
        ),
    }
    return known, context
