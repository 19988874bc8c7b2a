"""The replay against histories worked out by hand, and against the rule itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.trust import ladder as ladder_module
from reviewqueue.trust import what_if
from reviewqueue.trust.bounds import lower_bound, reviews_needed, upper_bound
from reviewqueue.trust.ladder import Cause, Terms, Verdict, judge
from reviewqueue.trust.what_if import NEVER, Evidence, Recorded, Replayed, replay

TERMS = Terms(tolerated=0.25, delta=0.05, alpha=0.01, min_reviews=5)
LADDER = (1.0, 0.5, 0.25)
ENOUGH = reviews_needed(0, rate=0.25, delta=0.05) or 0


def history(
    errors: Sequence[int],
    *,
    draws: Sequence[float] | None = None,
    blind: Sequence[bool] | None = None,
    wait: int = 1,
    takes: Sequence[int] | None = None,
) -> Recorded:
    """Items routed at 10, 20, 30 …, begun after `wait`, and decided as they `take`."""
    n = len(errors)
    routed_at = 10 * np.arange(1, n + 1)
    resolved_at = routed_at + wait + (0 if takes is None else np.array(takes))
    return Recorded(
        begun_at=routed_at + wait,
        open_until=resolved_at,
        resolved_at=resolved_at,
        routed_at=routed_at,
        draw=np.zeros(n) if draws is None else np.array(draws, dtype=float),
        is_error=np.array(errors, dtype=bool),
        is_blind=np.ones(n, dtype=bool) if blind is None else np.array(blind),
    )


def run(recorded: Recorded, **changes: object) -> Replayed:
    given = {"ladder": LADDER, "terms": TERMS, "is_blind": False, "since": 0}
    return replay(recorded, **{**given, **changes})  # type: ignore[arg-type]


def steps(found: Replayed) -> list[tuple[int, int, int, str | None]]:
    return [(one.at, one.from_level, one.to_level, one.cause) for one in found.moves]


def test_clean_reviews_step_down_at_the_review_that_is_enough() -> None:
    found = run(history([0] * (ENOUGH + 3)))

    assert steps(found) == [(10 * ENOUGH + 1, 0, 1, None)]
    move = found.moves[0]
    assert (move.reviews, move.errors) == (ENOUGH, 0)
    assert move.bound == upper_bound(0, ENOUGH, delta=0.05) <= 0.25
    assert (found.level, found.share, found.reviews) == (1, 0.5, ENOUGH + 3)


def test_one_review_fewer_is_not_enough() -> None:
    found = run(history([0] * (ENOUGH - 1)))

    assert (steps(found), found.level, found.share) == ([], 0, 1.0)


def test_each_step_takes_reviews_of_its_own_and_the_last_level_stays() -> None:
    found = run(history([0] * (ENOUGH + 50)))

    assert steps(found) == [
        (10 * ENOUGH + 1, 0, 1, None),
        (10 * (ENOUGH + 5) + 1, 1, 2, None),
    ]
    assert (found.level, found.share) == (2, 0.25)


def test_item_above_the_share_is_not_seen_after_the_grant() -> None:
    draws = [0.9] * ENOUGH + [0.5, 0.49, 0.9]
    found = run(history([0] * (ENOUGH + 3), draws=draws))

    assert found.reviews == ENOUGH + 1  # at review all even 0.9 is seen, then only 0.49


def test_item_routed_before_the_grant_is_seen_at_the_share_of_before() -> None:
    draws = [0.9] * (ENOUGH + 5)
    found = run(history([0] * (ENOUGH + 5), draws=draws, wait=21))

    # two items were routed when the grant was made, and stood at review all
    assert (found.level, found.reviews) == (1, ENOUGH + 2)


def test_errors_withdraw_and_the_evidence_begins_again() -> None:
    errors = [0] * ENOUGH + [1] * 10
    found = run(history(errors))

    granted, withdrawn = found.moves
    assert (withdrawn.from_level, withdrawn.to_level) == (1, 0)
    assert withdrawn.cause == Cause.ALARM
    n_seen = (withdrawn.at - granted.at) // 10
    assert withdrawn.errors == n_seen
    assert found.level == 0
    assert found.reviews == found.errors == 10 - n_seen


def test_only_blind_items_count_where_the_terms_say_so() -> None:
    n = 2 * ENOUGH
    recorded = history([0] * n, blind=[at % 2 == 0 for at in range(n)])

    assert run(recorded, is_blind=True).moves[0].at == 10 * (n - 1) + 1
    assert run(recorded).moves[0].at == 10 * ENOUGH + 1


def test_items_routed_before_the_beginning_are_no_evidence() -> None:
    found = run(history([0] * (ENOUGH + 4)), since=51)

    assert (found.reviews, found.moves) == (ENOUGH - 1, [])


def test_bound_waits_for_the_item_that_was_begun_first_and_is_open() -> None:
    takes = [0] * 3 + [10 * ENOUGH] + [0] * (2 * ENOUGH)
    recorded = history([0] * len(takes), takes=takes)

    assert run(recorded).moves[0].at == 10 * (ENOUGH + 4) + 1
    overdue = replace(recorded, open_until=np.full(len(takes), 41))
    assert run(overdue).moves[0].at == 10 * (ENOUGH + 1) + 1


def test_item_that_was_never_resolved_is_in_the_way_until_it_is_due() -> None:
    recorded = history([0] * (ENOUGH + 9))
    resolved_at = recorded.resolved_at.copy()
    resolved_at[2] = NEVER
    due = 10 * (ENOUGH + 5)
    open_until = np.where(resolved_at == NEVER, due, recorded.open_until)

    found = run(replace(recorded, resolved_at=resolved_at, open_until=open_until))

    assert (found.moves[0].at, found.moves[0].reviews) == (due + 1, ENOUGH + 4)
    assert found.reviews == ENOUGH + 8


def test_nothing_reviewed_leaves_everything_at_review_all() -> None:
    found = run(history([]))

    assert (found.level, found.share, found.bound, found.reviews) == (0, 1.0, 1.0, 0)
    assert found.share_at(np.array([5])).tolist() == [1.0]


def test_share_of_each_moment_follows_the_moves() -> None:
    found = run(history([0] * (ENOUGH + 50)))
    first, second = (one.at for one in found.moves)

    moments = np.array([0, first - 1, first, second - 1, second])

    assert found.share_at(moments).tolist() == [1.0, 1.0, 0.5, 0.5, 0.25]


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6, 1.0]),
    tolerated=st.sampled_from([0.02, 0.1, 0.25, 0.5]),
    delta=st.sampled_from([0.001, 0.05, 0.3]),
)
def test_evidence_suffices_exactly_where_the_bounds_say_so(
    seed: int, rate: float, tolerated: float, delta: float
) -> None:
    wrong = np.random.default_rng(seed).random(150) < rate
    of_errors = Evidence(rate=tolerated, delta=delta)
    of_right = Evidence(rate=1 - tolerated, delta=delta)

    for reviews, errors in enumerate(np.cumsum(wrong).tolist(), start=1):
        is_enough = upper_bound(errors, reviews, delta=delta) <= tolerated
        is_above = lower_bound(errors, reviews, delta=delta) > tolerated
        assert of_errors.suffices(errors, reviews) == is_enough
        assert of_right.suffices(reviews - errors, reviews) == is_above


def slowly(recorded: Recorded, terms: Terms, ladder: Sequence[float]) -> list[object]:
    """Make the same moves by asking the rule itself after every review."""
    level, since, moved_at = 0, 0, 0
    moves: list[object] = []
    shares = [(0, ladder[0])]

    def share_at(routed_at: int) -> float:
        return next(p for moment, p in reversed(shares) if moment <= routed_at)

    rows = list(
        zip(
            recorded.begun_at.tolist(),
            recorded.resolved_at.tolist(),
            recorded.routed_at.tolist(),
            recorded.draw.tolist(),
            recorded.is_error.tolist(),
            strict=True,
        )
    )
    for now in sorted(resolved_at for _, resolved_at, *_ in rows):
        seen = [
            (begun_at, resolved_at, wrong)
            for begun_at, resolved_at, routed_at, draw, wrong in rows
            if begun_at <= now and routed_at >= since and draw < share_at(routed_at)
        ]
        if now not in {resolved_at for _, resolved_at, _ in seen}:
            continue
        known = [one for one in seen if one[1] <= now]
        n_in_order = next(
            (at for at, one in enumerate(seen) if one[1] > now), len(known)
        )
        found = judge(
            is_error=[wrong for *_, wrong in known],
            n_since_move=sum(begun_at > moved_at for begun_at, *_ in known),
            n_in_order=n_in_order,
            n_overdue=0,
            n_due=0,
            is_last_level=level == len(ladder) - 1,
            is_granted=level > 0,
            terms=terms,
        )
        if found.verdict == Verdict.WITHDRAW:
            moves.append((now, level, 0, found.cause, found.reviews, found.errors))
            level, since = 0, now
        elif found.verdict == Verdict.MAY_STEP_DOWN:
            moves.append((now, level, level + 1, None, found.reviews, found.errors))
            level += 1
        else:
            continue
        moved_at = now
        shares.append((now, ladder[level]))
    return moves


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    rates=st.lists(st.sampled_from([0.0, 0.05, 0.2, 0.6]), min_size=1, max_size=4),
    wait=st.sampled_from([1, 95]),
    tolerated=st.sampled_from([0.1, 0.25, 0.5]),
    takes=st.sampled_from([0, 4, 60]),
)
def test_replay_makes_the_moves_that_the_rule_makes(
    seed: int, rates: list[float], wait: int, tolerated: float, takes: int
) -> None:
    rng = np.random.default_rng(seed)
    errors = np.concatenate([rng.random(40) < rate for rate in rates])
    recorded = history(
        errors.tolist(),
        draws=rng.random(errors.size).tolist(),
        wait=wait,
        takes=(10 * rng.integers(0, takes + 1, errors.size)).tolist(),
    )
    # no two at one moment: that would be one look
    resolved_at = 1000 * recorded.resolved_at + np.arange(errors.size)
    recorded = replace(
        recorded,
        resolved_at=resolved_at,
        open_until=resolved_at,
        begun_at=1000 * recorded.begun_at,
        routed_at=1000 * recorded.routed_at,
    )
    terms = Terms(tolerated=tolerated, delta=0.1, alpha=0.05, min_reviews=3)

    found = run(recorded, terms=terms)

    made = [
        (one.at, one.from_level, one.to_level, one.cause, one.reviews, one.errors)
        for one in found.moves
    ]
    assert made == slowly(recorded, terms, LADDER)


def test_watch_looks_at_the_latest_reviews_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (what_if, ladder_module):
        monkeypatch.setattr(module, "N_WATCHED", 12)
    terms = Terms(tolerated=0.1, delta=0.2, alpha=0.002, min_reviews=3)
    # errors too thin for an alarm within twelve reviews, and not within a hundred
    recorded = history([0] * 60 + [1, 0, 0, 0, 0] * 45)

    found = run(recorded, terms=terms, ladder=(1.0, 0.9))

    made = [
        (one.at, one.from_level, one.to_level, one.cause, one.reviews, one.errors)
        for one in found.moves
    ]
    assert made == slowly(recorded, terms, (1.0, 0.9))
    monkeypatch.setattr(what_if, "N_WATCHED", 5_000)
    assert steps(run(recorded, terms=terms, ladder=(1.0, 0.9))) != steps(found)
