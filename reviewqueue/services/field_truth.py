"""Whether what was recommended of fields turned out to be wrong: late truth's part."""

from collections.abc import Collection, Mapping
from uuid import UUID

from predictions.declaration import Declaration
from predictions.fields.comparing import same_value
from predictions.fields.values import Values
from predictions.models import Workflow
from predictions.queries.predicted_fields import recommended_values
from reviewqueue.models import Route


def recommended_of_items(
    workflow: Workflow, item_ids: Collection[UUID]
) -> dict[UUID, Values]:
    """Return the recommended fields by item, where any were; asks only with fields."""
    specs = workflow.declaration.fields
    if not specs:
        return {}
    routes = Route.objects.filter(item__in=item_ids, prediction__isnull=False)
    routes = routes.select_related("prediction__predicted_fields")
    said = {one.pk: recommended_values(one.prediction, specs) for one in routes}
    return {pk: values for pk, values in said.items() if values is not None}


def errors_of_truth(
    declaration: Declaration,
    *,
    label: str,
    said: Mapping[str, object],
    recommended: Mapping[str, object],
    known: Mapping[str, bool],
) -> dict[str, bool]:
    """Say of each field whether the truth is another than was recommended.

    A field that the label does not ask for is not wrong: the label is. What late truth
    does not say of a field stays as it was `known`, and is left out where it was not.
    """
    found = {}
    for one in declaration.fields:
        if not one.is_asked_with(label):
            found[one.name] = False
        elif one.name in said:
            value = recommended.get(one.name)
            found[one.name] = not same_value(one, value, said[one.name])
        elif one.name in known:
            found[one.name] = known[one.name]
    return found
