"""Items and labels in the words of their workflow."""

from django import template
from django.template import Context

from predictions.models import Item, Workflow
from reviewqueue.queries.titles import item_title

register = template.Library()

DASH = "–"  # noqa: RUF001 -- typography


@register.simple_tag(takes_context=True)
def filter_less(context: Context, name: str) -> str:
    """Return the query string without one filter, on the first page."""
    query = context["request"].GET.copy()
    for gone in (name, "cursor"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"


@register.filter
def title_in(item: Item, workflow: Workflow) -> str:
    """Return the item's heading; its external id where the workflow states none."""
    return item_title(item, workflow)


@register.filter
def label_in(key: str, workflow: Workflow) -> str:
    """Return the name of a label; a key that is not declared any more as it is."""
    return workflow.declaration.label_name(key) if key else DASH
