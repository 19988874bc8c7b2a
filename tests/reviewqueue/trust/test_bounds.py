"""Bounds that hold at every look: exact values, properties, simulated coverage."""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from reviewqueue.trust.bounds import (
    Weighted,
    log_evidence_below,
    lower_bound,
    reviews_needed,
    two_sided_bounds,
    upper_bound,
    weighted_upper_bound,
)

counts = st.integers(0, 3000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n))
)
deltas = st.sampled_from([0.2, 0.05, 0.01, 0.001])


@pytest.mark.parametrize(
    ("errors", "reviews", "rate"), [(0, 20, 0.1), (3, 50, 0.2), (7, 400, 0.05)]
)
def test_evidence_is_the_mixture_of_likelihood_ratios(
    errors: int, reviews: int, rate: float
) -> None:
    prior = beta(0.5, 1.0)

    def weighted_ratio(other: float) -> float:
        ratio = (other / rate) ** errors
        ratio *= ((1 - other) / (1 - rate)) ** (reviews - errors)
        return ratio * float(prior.pdf(other)) / float(prior.cdf(rate))

    plain, _ = quad(weighted_ratio, 0, rate, points=[rate / 100], limit=500)

    found = math.exp(log_evidence_below(errors, reviews, rate=rate))
    assert found == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize(
    ("errors", "reviews", "bound"),
    [(0, 0, 1.0), (3, 3, 1.0), (0, 299, 0.012583), (5, 1000, 0.014338)],
)
def test_upper_bound_of_known_counts(errors: int, reviews: int, bound: float) -> None:
    assert upper_bound(errors, reviews, delta=0.05) == pytest.approx(bound, abs=1e-6)


@pytest.mark.parametrize(
    ("rate", "fixed", "always"), [(0.05, 59, 74), (0.01, 299, 377), (0.005, 598, 756)]
)
def test_clean_reviews_needed_are_more_than_for_one_look(
    rate: float, fixed: int, always: int
) -> None:
    assert math.ceil(math.log(0.05) / math.log1p(-rate)) == fixed
    assert reviews_needed(0, rate=rate, delta=0.05) == always


def test_needed_reviews_beyond_ten_million_are_not_counted() -> None:
    assert reviews_needed(10, rate=1e-9, delta=0.05) is None


@given(counts, deltas)
def test_bounds_enclose_the_estimate_and_widen_with_certainty(
    seen: tuple[int, int], delta: float
) -> None:
    errors, reviews = seen
    assume(reviews > 0)

    low, high = two_sided_bounds(errors, reviews, delta=delta)

    assert 0 <= low <= errors / reviews <= high <= 1
    assert lower_bound(errors, reviews, delta=delta) >= low
    assert upper_bound(errors, reviews, delta=delta) <= high
    # never tighter than the exact bound for one look
    if errors < reviews:
        one_look = float(beta.ppf(1 - delta, errors + 1, reviews - errors))
        assert upper_bound(errors, reviews, delta=delta) >= one_look - 1e-9


@given(counts, deltas)
def test_an_error_raises_the_bound_and_a_right_item_lowers_it(
    seen: tuple[int, int], delta: float
) -> None:
    errors, reviews = seen

    here = upper_bound(errors, reviews, delta=delta)

    assert upper_bound(errors + 1, reviews + 1, delta=delta) >= here - 1e-9
    assert upper_bound(errors, reviews + 1, delta=delta) <= here + 1e-9


@given(counts, deltas)
def test_the_bound_is_where_the_evidence_suffices(
    seen: tuple[int, int], delta: float
) -> None:
    errors, reviews = seen

    bound = upper_bound(errors, reviews, delta=delta)
    assume(bound < 0.999)

    for rate in np.linspace(bound + 1e-6, 1 - 1e-6, 7):
        evidence = log_evidence_below(errors, reviews, rate=float(rate))
        assert evidence >= -math.log(delta) - 1e-6


@pytest.mark.parametrize("bad", [(-1, 5, 0.05), (6, 5, 0.05), (0, 5, 0.0), (0, 5, 1.0)])
def test_counts_that_cannot_be_are_refused(bad: tuple[int, int, float]) -> None:
    errors, reviews, delta = bad
    with pytest.raises(ValueError, match=r"needed|delta"):
        upper_bound(errors, reviews, delta=delta)


def test_weighted_bound_is_near_the_unweighted_one_where_everything_is_reviewed() -> (
    None
):
    for errors, reviews in [(0, 400), (5, 1000), (50, 1000)]:
        plain = upper_bound(errors, reviews, delta=0.05)
        weighted = weighted_upper_bound(
            Weighted.of([1.0], [reviews], [errors]), delta=0.05
        )
        assert plain <= weighted <= plain * 1.6


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.05, 0.1, 0.5, 1.0]),
            st.integers(0, 500),
            st.integers(0, 20),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_splitting_a_level_changes_nothing(rows: list[tuple[float, int, int]]) -> None:
    p = [row[0] for row in rows]
    k = [row[2] for row in rows]
    n = [row[1] + row[2] for row in rows]

    whole = weighted_upper_bound(Weighted.of(p, n, k), delta=0.05)
    split = weighted_upper_bound(
        Weighted.of(p + p, n + [0] * len(n), k + [0] * len(k)), delta=0.05
    )

    assert split == pytest.approx(whole, abs=1e-9)
    assert 0 <= whole <= 1


@pytest.mark.parametrize(
    "rows",
    [([0.0], [1], [0]), ([1.1], [1], [0]), ([0.5], [1], [2]), ([1.0], [1, 2], [0])],
)
def test_weights_that_cannot_be_are_refused(rows: tuple[list[float], ...]) -> None:
    with pytest.raises(ValueError, match=r"probability|errors|length"):
        Weighted.of(*rows)


# Coverage: of many simulated workflows, looked at after every review, how many ever
# have a bound below their true rate?

N_WORKFLOWS = 2000
N_REVIEWS = 1500


def _wrong_share(bound: Callable[[int, int], float], *, rate: float) -> float:
    """Return the share of workflows whose bound is ever below their true rate."""
    fewest = np.array([_fewest(bound, errors, rate=rate) for errors in range(41)])
    rng = np.random.default_rng(1)
    seen = np.cumsum(rng.random((N_WORKFLOWS, N_REVIEWS)) < rate, axis=1)
    errors = np.minimum(seen, len(fewest) - 1)
    reviews = np.arange(1, N_REVIEWS + 1)
    return float(np.mean((reviews >= fewest[errors]).any(axis=1)))


def _fewest(bound: Callable[[int, int], float], errors: int, *, rate: float) -> int:
    """Return from which review on it is below: each right item lowers the bound."""
    reviews = range(max(errors, 1), N_REVIEWS + 1)
    return reviews.start + bisect_left(
        reviews, True, key=lambda n: bound(errors, n) < rate
    )


def always(errors: int, reviews: int) -> float:
    return upper_bound(errors, reviews, delta=0.05)


def one_look(errors: int, reviews: int) -> float:
    if errors == reviews:
        return 1.0
    return float(beta.ppf(0.95, errors + 1, reviews - errors))


@pytest.mark.parametrize("rate", [0.002, 0.01])
def test_the_bound_is_ever_wrong_in_at_most_delta_of_workflows(rate: float) -> None:
    share = _wrong_share(always, rate=rate)

    assert share <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / N_WORKFLOWS)


def test_a_bound_for_one_look_fails_the_same_simulation() -> None:
    assert _wrong_share(one_look, rate=0.01) > 0.10


@pytest.mark.slow
def test_the_weighted_bound_is_ever_wrong_in_at_most_delta_of_workflows() -> None:
    rng = np.random.default_rng(2)
    rate, n_workflows, n_items = 0.02, 400, 3000
    wrong = 0
    for _ in range(n_workflows):
        # the review probability falls at a moment that the past decides
        is_error = rng.random(n_items) < rate
        p = np.where(np.arange(n_items) < 1000, 1.0, 0.2)
        drawn = rng.random(n_items) < p
        found = is_error & drawn
        for seen in range(200, n_items + 1, 200):
            early, late = slice(min(seen, 1000)), slice(1000, max(seen, 1000))
            counts_seen = Weighted.of(
                [1.0, 0.2],
                [int(drawn[early].sum()), int(drawn[late].sum())],
                [int(found[early].sum()), int(found[late].sum())],
            )
            if weighted_upper_bound(counts_seen, delta=0.05) < rate:
                wrong += 1
                break

    assert wrong / n_workflows <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / n_workflows)
