"""One site beside the whole: what the model said there, and what came in there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from accounts.models import Site
from lifecycle.enums import ReadingVerdict
from lifecycle.judging.found import Found
from lifecycle.services.monitors.look import Look
from lifecycle.services.monitors.registry import BY_KEY
from predictions.models import Workflow
from reviewqueue.queries.site_figures import SegmentAtSite, segments_at

# The chance that a site where nothing moved is said to have: for each look, of each
# of the two kinds. Nobody is woken by it.
BUDGET: Final = 0.05
MAX_ROWS: Final = 1_000

type What = Literal["scores", "inputs"]


@dataclass(frozen=True, slots=True)
class DriftAtSite:
    """How far scores, or inputs, of a site are from the champion's reference.

    `distance` is the share of its items that is elsewhere, of `n` items; None where
    nothing can be said.
    """

    what: What
    verdict: ReadingVerdict
    distance: float | None
    n: int
    says: str


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What is known of one site."""

    site: Site
    trust: list[SegmentAtSite]
    drift: list[DriftAtSite]


def site_figures(workflow: Workflow, site: Site, *, now: datetime) -> SiteFigures:
    """Return trust and drift at one site, read now; writes nothing and alerts nobody.

    The last seven whole days of the site are held against what the champion learnt
    from, of all sites.
    """
    return SiteFigures(site, segments_at(workflow, site), _drift(workflow, site, now))


def _drift(workflow: Workflow, site: Site, now: datetime) -> list[DriftAtSite]:
    # Numbers that pages without drift need not load.
    from lifecycle.services.monitors.model import drifts_between  # noqa: PLC0415 -- above

    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    look = Look(workflow, BY_KEY["drift_features"], midnight, now, frozenset({site.pk}))
    scores, inputs = drifts_between(look, budget=BUDGET, max_rows=MAX_ROWS)
    return [_at_site("scores", scores), _at_site("inputs", inputs)]


def _at_site(what: What, found: Found) -> DriftAtSite:
    return DriftAtSite(what, found.verdict, found.value, found.n, found.says)
