"""A version against the champion, over the API."""

from typing import Annotated, TypedDict
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.queries.comparison import Report, comparison_of
from predictions.enums import Stage
from predictions.models import ModelVersion
from reviewqueue.api.base import Operation, documented
from reviewqueue.api.schema import OneOf, object_of

NOT_KNOWN = (
    "Nothing is compared: the version is neither shadow nor challenger, there is no "
    "champion, or a worker has not counted its many items yet."
)


class ComparisonShape(TypedDict):
    """What is known; `comparison` is null where nothing is, and `says` why."""

    model_version: int
    stage: Annotated[str, OneOf(Stage)]
    says: str
    comparison: Report | None


class ModelComparison(Operation):
    @documented(
        "model_comparison",
        summary="A shadow or challenger against the champion",
        description=(
            "On the items that people were sent by a known chance and that both "
            "versions scored, since both run. Of many items what a worker found last."
        ),
        answers={200: object_of(ComparisonShape)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        version = ModelVersion.objects.select_related("workflow").get(pk=pk)
        self.actor(request).require(Permission.MODELS_VIEW, version.workflow_id)
        report = comparison_of(version, now=timezone.now())
        return Response(
            {
                "model_version": version.number,
                "stage": version.stage,
                "says": report.overall.says if report else NOT_KNOWN,
                "comparison": report.to_json() if report else None,
            }
        )
