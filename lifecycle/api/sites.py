"""What is known of one site, over the API."""

from typing import Annotated, Literal, TypedDict
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from lifecycle.enums import ReadingVerdict
from lifecycle.services.site_figures import DriftAtSite, site_figures
from reviewqueue.api.base import SLUG, Operation, documented
from reviewqueue.api.schema import Count, OneOf, object_of
from reviewqueue.api.sites import KEY
from reviewqueue.queries.rates import Proportion
from reviewqueue.queries.site_figures import SegmentAtSite
from reviewqueue.queries.sites import site_of


class ShareAtSite(TypedDict):
    """k of n with its 95 % interval; null where n is 0."""

    k: Count
    n: Count
    share: float | None
    low: float | None
    high: float | None


class SegmentAtSiteShape(TypedDict):
    """A segment of the champion, and how often it was found wrong at the site."""

    segment: UUID
    label: str
    low: float
    high: float
    feature: str
    value: str
    wrong: ShareAtSite


class SiteDriftShape(TypedDict):
    """How far what came from the site is from the reference of the champion.

    `distance` is the share of its items that is elsewhere; null where nothing is known.
    """

    what: Literal["scores", "inputs"]
    verdict: Annotated[str, OneOf(ReadingVerdict)]
    distance: float | None
    n: Count
    says: str


class SiteFiguresShape(TypedDict):
    """Trust and drift at one site."""

    site: str
    trust: list[SegmentAtSiteShape]
    drift: list[SiteDriftShape]


class SiteFiguresView(Operation):
    @documented(
        "site_figures",
        summary="Trust and drift at one site, read now",
        parameters=[SLUG, KEY],
        answers={200: object_of(SiteFiguresShape)},
    )
    def get(self, request: Request, slug: str, key: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
        site = site_of(self.actor(request), workflow.pk, key)
        found = site_figures(workflow, site, now=timezone.now())
        answer: SiteFiguresShape = {
            "site": site.key,
            "trust": [_segment(one) for one in found.trust],
            "drift": [_drift(one) for one in found.drift],
        }
        return Response(answer)


def _segment(one: SegmentAtSite) -> SegmentAtSiteShape:
    return {
        "segment": one.segment.pk,
        "label": one.segment.label,
        "low": one.segment.low,
        "high": one.segment.high,
        "feature": one.segment.feature,
        "value": one.segment.value,
        "wrong": _share(one.wrong),
    }


def _share(one: Proportion) -> ShareAtSite:
    return {
        "k": one.k,
        "n": one.n,
        "share": one.share,
        "low": one.low,
        "high": one.high,
    }


def _drift(one: DriftAtSite) -> SiteDriftShape:
    return {
        "what": one.what,
        "verdict": one.verdict,
        "distance": one.distance,
        "n": one.n,
        "says": one.says,
    }
