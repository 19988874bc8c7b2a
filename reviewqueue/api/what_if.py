"""What if, over the API: other terms on the recorded history, with nothing applied."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.models import Workflow
from reviewqueue.api.base import SLUG, Operation, documented
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_what_if import WhatIfShape, what_if_shape
from reviewqueue.enums import EvidenceKind
from reviewqueue.forms_trust import TOLERATED
from reviewqueue.forms_what_if import MAX_COST, PLAIN, WhatIfForm
from reviewqueue.queries.recorded import MAX_REVIEWED, MAX_ROUTED
from reviewqueue.queries.trust import plan_in_force
from reviewqueue.services.what_if import COSTS, what_if


def _number(name: str, low: float, high: float, words: str) -> OpenApiParameter:
    schema = {"type": "number", "minimum": low, "maximum": high}
    return OpenApiParameter(name, schema, description=words)


PARAMETERS = [
    _number("delta", 1e-6, 0.5, "Risk of a wrong grant, shared by the segments."),
    _number("alpha", 1e-6, 0.1, "One by the mean number of reviews to a false alarm."),
    OpenApiParameter("evidence", str, enum=EvidenceKind.values),
    OpenApiParameter(
        "ladder",
        str,
        description="Shares that people see, falling from 1, with spaces: `1 0.5 0.1`.",
    ),
    OpenApiParameter(
        "tolerated",
        {"type": "array", "items": {"type": "string"}},
        description="`label:rate`, repeated for each label that is set by hand; "
        "`label:` takes the rate from the costs.",
    ),
    OpenApiParameter("min_reviews", {"type": "integer", "minimum": 1}),
    _number("review_minutes", 0.01, 1440, "Minutes that a review takes."),
    *(_number(name, 0, MAX_COST, "In the workflow's currency.") for name in COSTS),
]


class TrustWhatIf(Operation):
    @documented(
        "trust_what_if",
        summary="What other terms would have done with the recorded history",
        description="Replays the champion's segments; nothing is applied. What is not "
        f"given is as in force. At most the newest {MAX_REVIEWED:,} items that people "
        f"were sent, among the newest {MAX_ROUTED:,} of the workflow: `is_capped` says "
        "whether there are more. `assumptions` says what is not replayed.",
        parameters=[SLUG, *PARAMETERS],
        answers={200: object_of(WhatIfShape)},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.TRUST_VIEW)
        form = WhatIfForm(
            _asked(request, workflow),
            plan=plan_in_force(workflow),
            declaration=workflow.declaration,
        )
        if not form.is_valid():
            raise InvalidRequest([_named(one) for one in form.field_errors()])
        found = what_if(
            workflow=workflow, terms=form.terms, costs=form.costs, now=timezone.now()
        )
        return Response(what_if_shape(found))


def _asked(request: Request, workflow: Workflow) -> dict[str, str]:
    """Return the query as the form names it. Raises: InvalidRequest."""
    asked = request.query_params.dict()
    asked.pop("tolerated", None)
    errors = [
        FieldError(name, "unknown_field")
        for name in asked
        if name not in {*PLAIN, *COSTS}
    ]
    for one in request.query_params.getlist("tolerated"):
        label, colon, rate = one.rpartition(":")
        if not colon:
            errors.append(FieldError("tolerated", "type", one[:100]))
        elif label not in workflow.declaration.label_keys:
            errors.append(FieldError("tolerated", "label", label[:100]))
        asked[TOLERATED + label] = rate
    if errors:
        raise InvalidRequest(errors)
    return asked


def _named(error: FieldError) -> FieldError:
    """Name a rate as the query does."""
    if not error.field.startswith(TOLERATED):
        return error
    return FieldError("tolerated", error.rule, error.value)
