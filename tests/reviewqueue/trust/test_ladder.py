"""The rule of the ladder: exact values, what each verdict means, properties."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.trust.bounds import lower_bound, upper_bound
from reviewqueue.trust.ladder import (
    Cause,
    Standing,
    Terms,
    Verdict,
    judge,
    tolerated_rate,
)

TERMS = Terms(tolerated=0.05, delta=0.05, alpha=0.001, min_reviews=50)
CLEAN_NEEDED = 74  # at a tolerated 5 % and a delta of 5 %


def judged(
    is_error: Sequence[int],
    *,
    n_since_move: int | None = None,
    n_overdue: int = 0,
    n_due: int = 0,
    is_last_level: bool = False,
    is_granted: bool = False,
    terms: Terms = TERMS,
    n_in_order: int | None = None,
) -> Standing:
    since = len(is_error) if n_since_move is None else n_since_move
    return judge(
        is_error=is_error,
        n_since_move=since,
        n_overdue=n_overdue,
        n_due=n_due,
        is_last_level=is_last_level,
        is_granted=is_granted,
        terms=terms,
        n_in_order=n_in_order,
    )


def test_without_reviews_all_that_a_clean_record_takes_is_missing() -> None:
    found = judged([])

    assert found.verdict == Verdict.TOO_FEW
    assert (found.reviews, found.errors) == (0, 0)
    assert (found.lower, found.bound) == (0, 1)
    assert found.more_needed == CLEAN_NEEDED
    assert (found.cause, found.alarm.evidence) == (None, 0)


@pytest.mark.parametrize(
    ("n_clean", "verdict", "more"),
    [
        (73, Verdict.TOO_FEW, 1),
        (74, Verdict.MAY_STEP_DOWN, 0),
        (75, Verdict.MAY_STEP_DOWN, 0),
    ],
)
def test_clean_reviews_lead_down_at_this_number(
    n_clean: int, verdict: Verdict, more: int
) -> None:
    found = judged([0] * n_clean)

    assert (found.verdict, found.more_needed) == (verdict, more)


def test_standing_repeats_the_bounds_it_was_judged_by() -> None:
    found = judged([0] * 95 + [1] * 5)

    assert found.bound == upper_bound(5, 100, delta=0.05)
    assert found.lower == lower_bound(5, 100, delta=0.05)
    assert found.lower < 0.05 < found.bound


@pytest.mark.parametrize(("since", "more"), [(0, 50), (49, 1), (50, 0), (200, 0)])
def test_each_step_takes_reviews_of_its_own(since: int, more: int) -> None:
    found = judged([0] * 200, n_since_move=since, is_granted=True)

    assert found.more_needed == more
    is_allowed = found.verdict == Verdict.MAY_STEP_DOWN
    assert is_allowed is (more == 0)


def test_errors_that_time_may_outweigh_are_too_few_reviews() -> None:
    found = judged([1] * 4 + [0] * 40)

    # 9 % of 44 is above the tolerated 5 %, and not yet surely so
    assert found.errors / found.reviews > 0.05 > found.lower
    assert found.verdict == Verdict.TOO_FEW
    assert found.more_needed is not None


def test_errors_that_time_does_not_outweigh_are_too_many() -> None:
    found = judged([1, 0] * 20)

    assert found.lower > 0.05
    assert found.verdict == Verdict.TOO_MANY_ERRORS
    assert found.cause is None


def test_a_rate_that_no_number_reaches_has_no_number() -> None:
    terms = Terms(tolerated=1e-6, delta=0.05, alpha=0.001, min_reviews=50)

    found = judged([1] * 4 + [0] * 20, terms=terms)

    # four errors: ten million reviews are not enough
    assert found.more_needed is None
    assert found.verdict == Verdict.TOO_MANY_ERRORS


def test_at_the_floor_nothing_is_left_to_grant() -> None:
    assert judged([0] * 500, is_last_level=True, is_granted=True).verdict == (
        Verdict.AT_FLOOR
    )


@pytest.mark.parametrize("is_last_level", [True, False])
def test_errors_that_come_more_often_withdraw_what_was_granted(
    is_last_level: bool,
) -> None:
    found = judged(
        [0] * 200 + [1] * 5, n_since_move=80, is_granted=True, is_last_level=True
    )

    assert (found.verdict, found.cause) == (Verdict.WITHDRAW, Cause.ALARM)
    # of the reviews since the move, the first error is the 76th
    assert (found.alarm.began, found.alarm.at) == (75, 78)


def test_an_alarm_of_before_the_grant_does_not_take_it_back() -> None:
    early = [1] * 5 + [0] * 1000
    assert judged(early).verdict == Verdict.MAY_STEP_DOWN
    assert judged(early).alarm.at is not None

    granted = judged(early, n_since_move=0, is_granted=True)

    assert (granted.verdict, granted.cause) == (Verdict.TOO_FEW, None)
    assert granted.alarm.at is None


def test_a_rate_that_is_surely_too_high_withdraws_without_an_alarm() -> None:
    terms = Terms(tolerated=0.05, delta=0.05, alpha=1e-300, min_reviews=50)

    found = judged([1, 0] * 20, is_granted=True, terms=terms)

    assert (found.verdict, found.cause) == (Verdict.WITHDRAW, Cause.BOUND)
    assert found.alarm.at is None


@pytest.mark.parametrize(
    ("n_overdue", "n_due", "cause"),
    [
        (4, 4, None),  # too few to be a pattern
        (5, 25, None),  # a fifth, not more
        (5, 24, Cause.MISSING_AUDITS),
        (5, 5, Cause.MISSING_AUDITS),
    ],
)
def test_missing_audits_withdraw(
    n_overdue: int, n_due: int, cause: Cause | None
) -> None:
    found = judged([0] * 300, n_overdue=n_overdue, n_due=n_due, is_granted=True)

    assert found.cause == cause


@pytest.mark.parametrize(
    "trouble",
    [
        {"is_error": [1] * 30},
        {"is_error": [1, 0] * 20},
        {"is_error": [0] * 10, "n_overdue": 50, "n_due": 50},
    ],
)
def test_what_was_not_granted_cannot_be_withdrawn(trouble: dict[str, object]) -> None:
    found = judged(**trouble)

    assert found.cause is None
    assert found.verdict in {Verdict.TOO_FEW, Verdict.TOO_MANY_ERRORS}


def test_bounds_count_only_what_is_before_the_first_open_item() -> None:
    found = judged([0] * 60 + [1] * 40, n_in_order=60)

    assert (found.reviews, found.errors) == (60, 0)
    assert found.bound == upper_bound(0, 60, delta=0.05)
    assert (found.verdict, found.more_needed) == (Verdict.TOO_FEW, 14)


def test_the_watch_looks_at_all_that_is_decided() -> None:
    found = judged([0] * 100 + [1] * 5, n_in_order=100, is_granted=True)

    assert (found.errors, found.verdict) == (0, Verdict.WITHDRAW)
    assert found.alarm.began == 100


@pytest.mark.parametrize("n_in_order", [-1, 4])
def test_more_or_fewer_than_there_are_cannot_count(n_in_order: int) -> None:
    with pytest.raises(ValueError, match="cannot count"):
        judged([0, 0, 1], n_in_order=n_in_order)


terms_of = st.builds(
    Terms,
    tolerated=st.sampled_from([0.01, 0.05, 0.2, 0.5]),
    delta=st.sampled_from([0.1, 0.0125, 0.001]),
    alpha=st.sampled_from([0.01, 1e-9]),
    min_reviews=st.integers(0, 120),
)
rows = st.lists(st.booleans(), max_size=60).map(lambda seen: [int(one) for one in seen])


@settings(deadline=None)
@given(seen=rows, share=st.floats(0, 1), terms=terms_of)
def test_reviews_that_are_missing_are_enough_and_one_fewer_is_not(
    seen: list[int], share: float, terms: Terms
) -> None:
    since = round(share * len(seen))
    found = judged(seen, n_since_move=since, terms=terms)
    more = found.more_needed
    assert more is not None

    then = judged(seen + [0] * more, n_since_move=since + more, terms=terms)

    assert then.verdict == Verdict.MAY_STEP_DOWN
    assert then.bound <= terms.tolerated
    if more > 0:
        fewer = judged(
            seen + [0] * (more - 1), n_since_move=since + more - 1, terms=terms
        )
        assert fewer.verdict in {Verdict.TOO_FEW, Verdict.TOO_MANY_ERRORS}
        assert fewer.more_needed == 1


@settings(deadline=None)
@given(
    seen=rows.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))),
    terms=terms_of,
)
def test_the_order_of_reviews_changes_no_bound_and_no_grant(
    seen: tuple[list[int], list[int]], terms: Terms
) -> None:
    one, other = (judged(row, terms=terms) for row in seen)

    assert (one.verdict, one.bound, one.lower, one.more_needed) == (
        other.verdict,
        other.bound,
        other.lower,
        other.more_needed,
    )


@settings(deadline=None)
@given(
    seen=rows,
    share=st.floats(0, 1),
    n_overdue=st.integers(0, 20),
    is_granted=st.booleans(),
    is_last_level=st.booleans(),
    terms=terms_of,
)
def test_verdicts_say_what_they_mean(
    seen: list[int],
    share: float,
    n_overdue: int,
    is_granted: bool,
    is_last_level: bool,
    terms: Terms,
) -> None:
    found = judged(
        seen,
        n_since_move=round(share * len(seen)),
        n_overdue=n_overdue,
        n_due=20,
        is_granted=is_granted,
        is_last_level=is_last_level,
        terms=terms,
    )

    assert (found.verdict == Verdict.WITHDRAW) is (found.cause is not None)
    assert is_granted or found.cause is None
    assert found.lower <= found.bound
    if found.verdict == Verdict.MAY_STEP_DOWN:
        assert found.bound <= terms.tolerated
        assert not is_last_level
    if found.verdict == Verdict.TOO_FEW:
        assert found.lower <= terms.tolerated
        assert found.more_needed is not None
        assert found.more_needed > 0
    if found.verdict == Verdict.TOO_MANY_ERRORS:
        assert found.lower > terms.tolerated


@pytest.mark.parametrize(
    ("review_cost", "error_cost", "rate"),
    [
        (2.0, 80.0, 0.025),
        (2.0, 20.0, 0.1),
        (0.0, 80.0, 1e-6),
        (80.0, 2.0, 0.5),
        (2.0, 0.0, 0.5),
        (0.0, 0.0, 0.5),
        (1e-300, 1e300, 1e-6),
    ],
)
def test_tolerated_rate_is_where_both_costs_are_even(
    review_cost: float, error_cost: float, rate: float
) -> None:
    found = tolerated_rate(review_cost=review_cost, error_cost=error_cost)

    assert found == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("cost", [-0.01, math.nan, math.inf])
def test_costs_that_are_none_are_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="cost"):
        tolerated_rate(review_cost=cost, error_cost=80)
    with pytest.raises(ValueError, match="cost"):
        tolerated_rate(review_cost=2, error_cost=cost)


@given(
    review_cost=st.floats(0, 1e6),
    error_cost=st.floats(0, 1e6),
    dearer=st.floats(1, 100),
)
def test_dearer_reviews_tolerate_more_and_dearer_errors_less(
    review_cost: float, error_cost: float, dearer: float
) -> None:
    here = tolerated_rate(review_cost=review_cost, error_cost=error_cost)

    assert 1e-6 <= here <= 0.5
    assert (
        tolerated_rate(review_cost=review_cost * dearer, error_cost=error_cost) >= here
    )
    assert (
        tolerated_rate(review_cost=review_cost, error_cost=error_cost * dearer) <= here
    )
