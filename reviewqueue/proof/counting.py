"""Count what the tables hold at the end of a run, and compare the versions."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sklearn.metrics import average_precision_score, roc_auc_score

from predictions.models import (
    Item,
    PendingScore,
    Prediction,
    QuarantinedItem,
    Workflow,
)
from reviewqueue.enums import OPEN_STATUSES
from reviewqueue.models import Case, Decision, Label, Outcome, Route
from reviewqueue.proof.data_sets import Row
from reviewqueue.proof.ledger import Comparison, Counts

VERSIONS = (1, 2, 3)


def count_stored(
    counts: Counts,
    workflow: Workflow,
    *,
    truth: Mapping[str, str],
    last_ids: set[str],
) -> None:
    """Fill in every count that the tables tell."""
    c = counts
    c.items = Item.objects.filter(workflow=workflow).count()
    c.quarantine_rows = QuarantinedItem.objects.filter(workflow=workflow).count()
    c.waiting = PendingScore.objects.filter(workflow=workflow).count()
    scored = Counter(
        Prediction.objects.filter(model_version__workflow=workflow).values_list(
            "model_version__number", flat=True
        )
    )
    c.scored, c.scored_second, c.scored_third = (scored[n] for n in VERSIONS)
    _count_routes(c, workflow, last_ids)
    _count_work(c, workflow)
    outcomes = Outcome.objects.filter(workflow=workflow)
    c.outcomes = outcomes.count()
    c.outcomes_unreviewed = outcomes.filter(item__route__kind="auto").count()
    _count_labels(c, workflow, truth)


def _count_labels(c: Counts, workflow: Workflow, truth: Mapping[str, str]) -> None:
    in_force = (
        Label.objects.filter(workflow=workflow)
        .order_by("item_id", "-version")
        .distinct("item_id")
        .values_list("source", "label", "item__external_id")
    )
    known = [one for one in in_force if one[1]]
    sources = Counter(source for source, _, _ in known)
    c.labels = sources.total()
    c.labels_decision = sources["decision"]
    c.labels_adjudication = sources["adjudication"]
    c.labels_outcome = sources["outcome"]
    c.labels_right = sum(
        source != "outcome" and label == truth[external_id]
        for source, label, external_id in known
    )


def _count_routes(c: Counts, workflow: Workflow, last_ids: set[str]) -> None:
    routes = Route.objects.filter(workflow=workflow).values_list(
        "kind", "reason", "item__external_id"
    )
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for kind, reason, external_id in routes.iterator(chunk_size=10_000):
        kinds[kind] += 1
        if kind == "review":
            reasons[reason] += 1
            c.routed_review_last += external_id in last_ids
    c.routed_auto, c.routed_review = kinds["auto"], kinds["review"]
    c.by_policy, c.by_audit = reasons["policy"], reasons["audit"]
    c.by_unlike = reasons["unlike"]
    c.by_failure = sum(
        reasons[one] for one in ("no_champion", "model_failed", "uncalibrated")
    )


def _count_work(c: Counts, workflow: Workflow) -> None:
    cases = Counter(
        Case.objects.filter(workflow=workflow).values_list("kind", "status")
    )
    c.cases = cases.total()
    by_kind = {kind: _sum(cases, 0, kind) for kind in ("review", "second")}
    c.cases_first, c.cases_second = by_kind["review"], by_kind["second"]
    c.cases_adjudication = _sum(cases, 0, "adjudication")
    c.cases_decided = _sum(cases, 1, "decided")
    c.cases_open = sum(_sum(cases, 1, status.value) for status in OPEN_STATUSES)
    decisions = Decision.objects.filter(workflow=workflow)
    verdicts = Counter(decisions.values_list("verdict", flat=True))
    c.decisions = verdicts.total()
    c.confirmed, c.overridden = verdicts["confirm"], verdicts["override"]
    c.unsure = verdicts["unsure"]


def _sum(counter: Mapping[tuple[str, str], int], place: int, value: str) -> int:
    return sum(n for key, n in counter.items() if key[place] == value)


def compare_versions(workflow: Workflow, rows: Sequence[Row]) -> Comparison:
    """Return how the versions scored the same rows."""
    truth = {row.external_id: row.label for row in rows}
    said: dict[int, dict[str, tuple[str, float]]] = {number: {} for number in VERSIONS}
    found = Prediction.objects.filter(
        model_version__workflow=workflow, item__external_id__in=list(truth)
    ).values_list("model_version__number", "item__external_id", "label", "score")
    for number, external_id, label, score in found:
        said[number][external_id] = (label, score)
    shared = sorted(set.intersection(*(set(one) for one in said.values())))
    positive = workflow.declaration.positive_labels
    is_positive = [truth[one] in positive for one in shared]
    scores = [[said[number][one][1] for one in shared] for number in VERSIONS]
    return Comparison(
        n=len(shared),
        n_positive=sum(is_positive),
        roc_auc=tuple(float(roc_auc_score(is_positive, one)) for one in scores),
        average_precision=tuple(
            float(average_precision_score(is_positive, one)) for one in scores
        ),
        right=tuple(
            sum(said[number][one][0] == truth[one] for one in shared)
            for number in VERSIONS
        ),
    )
