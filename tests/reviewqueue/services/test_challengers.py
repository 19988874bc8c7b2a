"""Items whose recommendation is a challenger's, and what they leave untouched."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from predictions.enums import Stage
from predictions.models import Item, ModelVersion, Prediction, Workflow
from predictions.services.registry import change_stage
from predictions.services.scoring import Recommendation, Said, ScoredItem
from reviewqueue.enums import RouteKind, RouteReason
from reviewqueue.models import Case, Observation, Route, Segment
from reviewqueue.queries.estimates import all_items
from reviewqueue.queries.evidence import evidence_of
from reviewqueue.queries.policies import policy_in_force
from reviewqueue.queries.repair import RepairScope, count_alone
from reviewqueue.queries.shadow_evidence import Window, shadow_evidence_of
from reviewqueue.queries.tallies import Days
from reviewqueue.queries.trust import segments_in_force, segments_of
from reviewqueue.services.challengers import PURPOSE, recommended
from reviewqueue.services.pipeline import process_batch
from reviewqueue.trust.sampling import draw, part_of
from tests.factories.predictions import make_model, raw_item, set_policy, store
from tests.reviewqueue.services.trust_steps import cut, plan, review, route

N = 60
SHARE = 0.3


def run(workflow: Workflow, n: int = N, *, now: datetime, start: int = 0) -> None:
    rows = [
        raw_item(start + at, now=now, amount=100.0 + 12 * at, card_present="no")
        for at in range(n)
    ]
    store(workflow, rows, now=now)
    process_batch(workflow=workflow, limit=n, now=now)


def drawn(workflow: Workflow, *, low: float = 0.0, high: float = SHARE) -> set[UUID]:
    """Return the items whose draw lies there, by the recorded seed."""
    seed = policy_in_force(workflow).seed
    ids = Item.objects.filter(workflow=workflow).values_list("pk", flat=True)
    return {i for i in ids if low <= draw(i, seed=seed, purpose=PURPOSE) < high}


def met(version: ModelVersion | None) -> set[UUID]:
    routes = Route.objects.filter(model_version=version)
    return set(routes.values_list("item_id", flat=True))


def challenger(
    workflow: Workflow, *, now: datetime, share: float = SHARE
) -> ModelVersion:
    return make_model(
        workflow, now=now, stage=Stage.CHALLENGER, threshold=0.9, share=share
    )


def spoil(version: ModelVersion) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(sha256="0" * 64)


def test_challenger_recommends_for_its_share_and_both_score_everything(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    beside = challenger(workflow, now=now)
    run(workflow, now=now)

    mine = drawn(workflow)
    assert 5 < len(mine) < 35
    assert met(beside) == mine
    assert len(met(champion)) == N - len(mine)
    assert Prediction.objects.filter(model_version=beside).count() == N
    assert Prediction.objects.filter(model_version=champion).count() == N
    for one in Route.objects.select_related("prediction"):
        assert one.prediction is not None
        assert one.prediction.model_version_id == one.model_version_id
        assert one.threshold == (0.9 if one.pk in mine else champion.threshold)


def test_draw_for_challengers_is_not_the_draw_for_review(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    challenger(workflow, now=now)
    set_policy(workflow, mode="above", low=1.0, audit_share=0.3, now=now)
    run(workflow, now=now)

    reviewed = set(
        Route.objects.filter(kind=RouteKind.REVIEW).values_list("pk", flat=True)
    )
    assert reviewed != drawn(workflow)


def test_failing_challenger_leaves_the_champions_recommendation(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    spoil(challenger(workflow, now=now))
    run(workflow, now=now)

    assert len(drawn(workflow)) > 5
    assert len(met(champion)) == N


def test_failing_champion_leaves_the_challengers_share(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    beside = challenger(workflow, now=now)
    spoil(champion)
    run(workflow, now=now)

    assert met(beside) == drawn(workflow)
    others = Route.objects.filter(model_version=None)
    assert set(others.values_list("reason", flat=True)) == {RouteReason.MODEL_FAILED}


def test_without_a_champion_no_challenger_recommends(
    workflow: Workflow, now: datetime
) -> None:
    challenger(workflow, now=now)
    run(workflow, now=now)

    assert len(met(None)) == N
    reasons = Route.objects.values_list("reason", flat=True)
    assert set(reasons) == {RouteReason.NO_CHAMPION}


def test_several_have_parts_of_their_own(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    first = challenger(workflow, now=now, share=0.2)
    second = challenger(workflow, now=now, share=0.25)
    run(workflow, now=now)

    assert met(first) == drawn(workflow, high=0.2)
    assert met(second) == drawn(workflow, low=0.2, high=0.45)
    assert met(champion) == drawn(workflow, low=0.45, high=1.0)


def test_challenger_under_a_rule_is_routed_by_its_probability(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    beside = challenger(workflow, now=now)
    run(workflow, now=now)
    said = Prediction.objects.filter(model_version=beside).values_list("probability")
    half = sorted(p for (p,) in said if p is not None)[N // 2]
    set_policy(workflow, mode="above", low=half, audit_share=0.000001, now=now)
    first = met(beside)
    run(workflow, now=now, start=1000)

    mine = Route.objects.filter(model_version=beside).exclude(pk__in=first)
    assert {one.kind for one in mine} == {"auto", "review"}
    assert all(
        (one.kind == RouteKind.REVIEW) == ((one.probability or 0) >= half)
        for one in mine
    )


def test_what_a_challenger_decided_alone_can_be_repaired(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    beside = challenger(workflow, now=now)
    set_policy(workflow, mode="above", low=1.0, audit_share=0.000001, now=now)
    run(workflow, now=now)

    scope = RepairScope(workflow, now, now + timedelta(1), model_number=beside.number)
    assert count_alone(scope).n_left == len(drawn(workflow)) > 5


def test_a_challengers_items_are_seen_by_people_where_autonomy_is_earned(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    segment = cut(workflow, now=now)
    Segment.objects.filter(pk=segment.pk).update(level=1, review_probability=0.5)
    beside = challenger(workflow, now=now)
    before = Observation.objects.count()
    route(workflow, N, now=now, start=1000)

    mine = Route.objects.filter(model_version=beside)
    assert set(mine.values_list("pk", flat=True)) <= drawn(workflow)
    assert mine.count() > 5
    said = mine.values_list("kind", "reason", "review_probability")
    assert set(said) == {("review", "policy", 1.0)}
    assert not mine.exclude(segment=None).exists()
    others = Route.objects.filter(model_version=champion, routed_at=now)
    cut_for = others.values_list("segment__model_version", flat=True)
    assert set(cut_for) == {champion.pk}
    observed = Observation.objects.filter(item__in=mine.values("pk"))
    assert observed.count() == 0
    assert segments_of(beside) == []
    assert Observation.objects.count() > before


def test_what_people_find_in_a_challenger_is_no_evidence_of_the_champion(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    segment = cut(workflow, now=now)
    beside = challenger(workflow, now=now, share=0.5)
    Case.objects.update(status="decided", closed_at=now)
    route(workflow, N, now=now, start=1000)
    waiting = Case.objects.filter(status="pending")
    waiting.exclude(route__model_version=beside).update(status="decided", closed_at=now)
    n = waiting.count()
    review(workflow, alice, n, n_wrong=n, now=now)

    assert n > 5
    later = now + timedelta(minutes=5)
    found = evidence_of([segment], is_blind=False, now=later)[segment.pk]
    assert (found.is_error.size, found.watched.size) == (0, 0)
    estimate = all_items(workflow, Days(now.date(), now.date()))
    assert estimate is not None
    assert (estimate.version, estimate.shown.n) == (champion.number, 0)


def test_segments_are_the_champions_also_if_the_first_item_is_not(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    set_policy(workflow, mode="earned", now=now)
    plan(workflow, now=now)
    route(workflow, 210, now=now, start=0)
    beside = challenger(workflow, now=now, share=0.5)
    for at in range(8):  # a batch each: some begin with the challenger's
        route(workflow, 1, now=now, start=500 + at)

    assert met(beside)
    segments = segments_in_force(workflow)
    assert {one.model_version_id for one in segments} == {champion.pk}
    assert segments
    assert not Segment.objects.exclude(model_version=champion).exists()


def test_what_it_recommended_itself_is_no_shadow_evidence(
    workflow: Workflow, champion: ModelVersion, alice: User, now: datetime
) -> None:
    beside = challenger(workflow, now=now, share=0.5)
    route(workflow, N, now=now, start=0)
    review(workflow, alice, N, now=now)
    n_own = len(met(beside))
    later = now + timedelta(minutes=1)
    change_stage(version=beside, to=Stage.CHAMPION, by=None, reason="r", now=later)
    set_policy(workflow, mode="earned", now=later)
    plan(workflow, now=later)
    route(workflow, 200, now=later, start=1000)

    window = Window(now - timedelta(days=1), later)
    found = shadow_evidence_of(segments_of(beside), window=window, is_blind=False)
    assert sum(n for one in found.values() for _, n, _ in one.rows) == N - n_own
    assert n_own > 5


def said_by(version: ModelVersion, item_id: UUID) -> ScoredItem:
    one = Recommendation(item_id, version, "fraud", 0.5, 0.5, 0.5, 0.2, 1.0)
    return ScoredItem(item_id, one)


@given(
    ids=st.lists(st.uuids(), min_size=1, max_size=20, unique=True),
    shares=st.lists(st.floats(0.001, 0.16), min_size=1, max_size=3),
    seed=st.integers(0, 2**63 - 1),
)
def test_each_item_has_one_of_them_and_replays(
    ids: list[UUID], shares: list[float], seed: int
) -> None:
    versions = [ModelVersion(route_share=share) for share in shares]
    own = ModelVersion()
    said = Said(
        [said_by(own, i) for i in ids],
        [(one, [said_by(one, i) for i in ids]) for one in versions],
    )

    found = recommended(said, seed=seed)

    assert [one.item_id for one in found] == ids
    for one in found:
        number = draw(one.item_id, seed=seed, purpose=PURPOSE)
        part = part_of(number, shares)
        assert one.recommendation is not None
        whose = own if part is None else versions[part]
        assert one.recommendation.model_version is whose
        assert (part is None) == (number >= sum(shares))
    assert recommended(said, seed=seed) == found
