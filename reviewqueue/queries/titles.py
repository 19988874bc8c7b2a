"""The heading of an item: the workflow's title filled with its values."""

from predictions.models import Item, Workflow


def item_title(item: Item, workflow: Workflow) -> str:
    """Fill the title with the item's values; a missing one is "?"."""
    title = workflow.declaration.title
    if not title:
        return item.external_id
    names = [feature.name for feature in workflow.declaration.features]
    known = {name: item.features.get(name) for name in names}
    return title.format_map({name: _words(value) for name, value in known.items()})


def _words(value: object) -> object:
    if value is None:
        return "?"
    # 70.0 is how a number is stored, and not how anybody says it
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
