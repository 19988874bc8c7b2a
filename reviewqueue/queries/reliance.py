"""How much people lean on recommendations, and how good their judgement is.

Judgements are those that were made in the window and not taken back, as they were first
given: an amendment does not change how a person judged. The newest 20,000 are read.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final
from uuid import UUID

from accounts.models import User
from accounts.sites import ALL_SITES, Sites
from predictions.learning.label_terms import LabelTerms
from predictions.learning.ordered import WeightedKappa, ordered_figures
from predictions.models import Workflow
from reviewqueue.enums import CaseKind
from reviewqueue.models import TrustPlan
from reviewqueue.queries.consensus import NO_ACCURACY, Accuracy, Shared
from reviewqueue.queries.field_figures import FieldFigures, field_figures
from reviewqueue.queries.gold import (
    gold_terms,
    reviewers_below_floor,
)
from reviewqueue.queries.judgements import (
    MAX_ROWS,
    Judgement,
    judged_by_several,
    read_judgements,
)
from reviewqueue.trust.agreement import (
    Agreement,
    Judgements,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_agreement,
)
from reviewqueue.trust.gold_floor import MIN_ANSWERS
from reviewqueue.trust.reliance import (
    Difference,
    Haste,
    Reliance,
    Share,
    Streak,
    confirmation_streak,
    hasty_decisions,
    reliance,
    share_of,
    shown_minus_blind,
)

WINDOW_DAYS: Final = 90
MAX_DAYS: Final = 366
# Resamples are drawn with a fixed seed: the same rows give the same interval.
SEED: Final = 20_260_301


@dataclass(frozen=True, slots=True)
class Together:
    """How far people agree; `raw` is not corrected for chance.

    `kappa` is of first and second readers, `fleiss` of the items that three people or
    more judged, gold among them. `weighted`: quadratic-weighted kappa of first and
    second readers, where the labels have an order.
    """

    kappa: Agreement
    weighted: Agreement | None
    fleiss: Agreement
    alpha: Agreement
    raw: Agreement


@dataclass(frozen=True, slots=True)
class Steps:
    """Labels against the truth: quadratic-weighted kappa, said lower, said higher."""

    kappa: Agreement
    under: Share
    over: Share


@dataclass(frozen=True, slots=True)
class Apart:
    """How far people are from the truth, and recommendations on the same items."""

    people: Steps
    recommended: Steps


@dataclass(frozen=True, slots=True)
class Figures:
    """Of everybody, or of one person.

    `difference`: agreement with the recommendation when shown minus when blind, of
    first readers. `shown` and `blind`: what became of recommendations whose truth is
    known, from late truth, adjudication or gold. `gold`: right answers. `ordered`: how
    far judgements are from the truth, where it is known and the labels have an order.
    """

    n: int
    difference: Difference
    shown: Reliance
    blind: Reliance
    gold: Share
    ordered: Apart | None


@dataclass(frozen=True, slots=True)
class Person:
    """One reviewer; `haste` and `streak` are signals, not verdicts.

    `with_others`: how often another reader of the same item said the same.
    `estimated`: how often right, by Dawid and Skene's estimate over those items, and
    `discernment` how well labels are told apart: 0 says the same whatever is true.
    `is_below_floor`: surely right on gold less often than the plan asks; None where
    there is no plan, and in one's own view.
    """

    username: str
    name: str
    figures: Figures
    with_others: Share
    estimated: Accuracy
    discernment: Accuracy
    haste: Haste
    streak: Streak
    is_below_floor: bool | None


@dataclass(frozen=True, slots=True)
class RelianceReport:
    """`everybody`, `together` and `fields` are missing where only own figures are seen.

    `fields` has those that the workflow declares.
    """

    since: datetime
    until: datetime
    n_read: int
    is_capped: bool
    everybody: Figures | None
    together: Together | None
    people: list[Person]
    fields: list[FieldFigures] | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the API; what is not a number is null."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def reliance_report(
    workflow: Workflow,
    *,
    days: int,
    now: datetime,
    only: User | None,
    sites: Sites = ALL_SITES,
) -> RelianceReport:
    """Return the figures of the last `days`; with `only`, those of one person alone.

    A person's own view ends with the day before (UTC) where the plan does not coach: a
    figure that moved with a decision, or did not, would say that it was gold.
    Of `sites` alone, where they are given: whether somebody is below the gold floor,
    which is judged over all, is left out then.
    """
    since, until = now - timedelta(days=days), now
    if only is not None and not gold_terms(workflow.pk).coaching:
        until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = read_judgements(workflow, since=since, until=until, sites=sites)
    plan = TrustPlan.objects.filter(workflow=workflow).order_by("-version").first()
    shared, terms = Shared.of(rows), workflow.declaration.label_terms
    below = None
    if only is None and plan is not None and sites is None:
        below = reviewers_below_floor(workflow, plan)
    return RelianceReport(
        since=since,
        until=until,
        n_read=len(rows),
        is_capped=len(rows) == MAX_ROWS,
        everybody=_figures(rows, terms) if only is None else None,
        together=_together(rows, shared.seen, terms) if only is None else None,
        people=_people(rows, shared, terms, only=only, below_floor=below),
        fields=field_figures(workflow, since=since, until=until, sites=sites)
        if only is None
        else None,
    )


def _figures(rows: Sequence[Judgement], terms: LabelTerms) -> Figures:
    first = [one for one in rows if one.kind == CaseKind.REVIEW and one.recommended]
    true = [one for one in rows if one.truth and one.recommended]
    gold = [one for one in rows if one.kind == CaseKind.GOLD]
    return Figures(
        n=len(rows),
        difference=shown_minus_blind(
            [one.label == one.recommended for one in first],
            [one.blind for one in first],
        ),
        shown=_reliance(one for one in true if not one.blind),
        blind=_reliance(one for one in true if one.blind),
        gold=share_of(
            sum(one.label == one.truth for one in gold), len(gold), minimum=MIN_ANSWERS
        ),
        ordered=_apart(rows, terms) if terms.order else None,
    )


def _apart(rows: Sequence[Judgement], terms: LabelTerms) -> Apart:
    true = [one for one in rows if one.truth]
    told = [one for one in true if one.recommended]
    return Apart(
        people=_steps([(one.label, one.truth) for one in true], terms),
        recommended=_steps([(one.recommended, one.truth) for one in told], terms),
    )


def _steps(pairs: Sequence[tuple[str, str]], terms: LabelTerms) -> Steps:
    said, truth = [one for one, _ in pairs], [one for _, one in pairs]
    found = ordered_figures(said, truth, terms, seed=SEED)
    return Steps(
        kappa=_agreement(found.kappa),
        under=share_of(found.under.k, found.under.n),
        over=share_of(found.over.k, found.over.n),
    )


def _agreement(found: WeightedKappa) -> Agreement:
    return Agreement(found.value, found.low, found.high, found.n, found.n)


def _reliance(rows: Iterable[Judgement]) -> Reliance:
    found = list(rows)
    return reliance(
        [one.recommended for one in found],
        [one.label for one in found],
        [one.truth for one in found],
    )


def _together(
    rows: Sequence[Judgement], seen: Judgements, terms: LabelTerms
) -> Together:
    kinds = [
        {one.kind: one.label for one in found}
        for found in judged_by_several(rows).values()
    ]
    pairs = [one for one in kinds if len(one) == 2]
    first = [one[CaseKind.REVIEW] for one in pairs]
    second = [one[CaseKind.SECOND] for one in pairs]
    weighted = ordered_figures(first, second, terms, seed=SEED).kappa
    return Together(
        kappa=cohen_kappa(first, second, seed=SEED),
        weighted=_agreement(weighted) if terms.order else None,
        fleiss=fleiss_kappa(_judged_by_many(rows), seed=SEED),
        alpha=krippendorff_alpha(seen, seed=SEED),
        raw=pairwise_agreement(seen, seed=SEED),
    )


def _judged_by_many(rows: Sequence[Judgement]) -> Judgements:
    """Return the first judgement of each person of items that three or more judged."""
    by_item: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for one in rows:
        by_item[one.item].setdefault(one.reviewer, one.label)
    many = [
        (str(item), str(reviewer), label)
        for item, labels in by_item.items()
        if len(labels) >= 3
        for reviewer, label in labels.items()
    ]
    return Judgements.of(*([one[at] for one in many] for at in range(3)))


def _people(
    rows: Sequence[Judgement],
    shared: Shared,
    terms: LabelTerms,
    *,
    only: User | None,
    below_floor: set[UUID] | None,
) -> list[Person]:
    by_person: dict[UUID, list[Judgement]] = defaultdict(list)
    for one in rows:
        by_person[one.reviewer].append(one)
    if only is not None:
        wanted = {only.pk: only}
    else:
        wanted = {one.pk: one for one in User.objects.filter(pk__in=list(by_person))}
    everyone = [one.seconds for one in rows]
    with_others, estimated = _with_others(rows), shared.accuracies()
    discernments = shared.discernments()
    n_shown, n_confirmed = _confirmations(rows)
    people = []
    for pk, user in wanted.items():
        own = by_person.get(pk, [])
        own_shown, own_confirmed = _confirmations(own)
        others_shown = n_shown - own_shown
        others_rate = (
            (n_confirmed - own_confirmed) / others_shown if others_shown else math.nan
        )
        people.append(
            Person(
                username=user.username,
                name=user.display_name,
                figures=_figures(own, terms),
                with_others=share_of(*with_others.get(pk, (0, 0))),
                estimated=estimated.get(pk, NO_ACCURACY),
                discernment=discernments.get(pk, NO_ACCURACY),
                haste=hasty_decisions([one.seconds for one in own], everyone),
                streak=_streak(own, others_rate=others_rate),
                is_below_floor=None if below_floor is None else pk in below_floor,
            )
        )
    return sorted(people, key=lambda one: one.username)


def _confirmations(rows: Sequence[Judgement]) -> tuple[int, int]:
    """Count the recommendations that were shown, and those that were confirmed."""
    shown = [one for one in rows if _is_shown(one)]
    return len(shown), sum(one.label == one.recommended for one in shown)


def _is_shown(one: Judgement) -> bool:
    return one.kind != CaseKind.GOLD and bool(one.recommended) and not one.blind


def _streak(own: Sequence[Judgement], *, others_rate: float) -> Streak:
    """Hold a person's longest run of confirmations against the others' rate."""
    confirmed = [one.label == one.recommended for one in own if _is_shown(one)]
    own_rate = sum(confirmed) / len(confirmed) if confirmed else 0.0
    rate = own_rate if math.isnan(others_rate) else others_rate
    return confirmation_streak(confirmed, confirm_rate=rate)


def _with_others(rows: Sequence[Judgement]) -> dict[UUID, tuple[int, int]]:
    """Count by person the readings of others of the same item, and those alike."""
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for readings in judged_by_several(rows).values():
        for a, b in combinations(readings, 2):
            for one in (a, b):
                counts[one.reviewer][0] += a.label == b.label
                counts[one.reviewer][1] += 1
    return {pk: (alike, n) for pk, (alike, n) in counts.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 -- JSON of any shape
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
