"""What the parts of an item ask for together, and what each of them learns from it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.trust.parts import (
    Together,
    asked_together,
    errors_added,
    errors_at_most,
    is_own,
    passing,
    reviews_saved,
    sharing,
)

shares = st.sampled_from([1.0, 0.5, 0.25, 0.1, 0.05])
names = st.sampled_from("abcdef")


@st.composite
def weeks(draw: st.DrawFn) -> tuple[list[Together[str]], dict[str, float]]:
    """Draw groups of items over some segments, and what each segment asks for."""
    segments = draw(st.lists(names, min_size=1, unique=True))
    groups = draw(
        st.lists(
            st.builds(
                lambda own, n: Together(tuple(own), n, 0),
                st.lists(st.sampled_from(segments), min_size=1, unique=True),
                st.integers(0, 50),
            ),
            max_size=6,
        )
    )
    return groups, {one: draw(shares) for one in segments}


@given(st.lists(st.none() | shares, min_size=1), st.floats(0, 1, exclude_max=True))
def test_people_see_what_any_part_asks_for(
    asked: list[float | None], draw: float
) -> None:
    together = asked_together(asked)

    assert together == max(1.0 if one is None else one for one in asked)
    # a part's own sample is in what people see, and does not depend on the others
    for one in asked:
        if one is not None and is_own(draw, one):
            assert draw < together
    if None in asked:
        assert together == 1


def test_no_part_asks_for_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        asked_together([])


@given(weeks())
def test_items_that_pass_are_no_more_than_each_part_lets_pass(
    week: tuple[list[Together[str]], dict[str, float]],
) -> None:
    groups, probabilities = week

    found = passing(groups, probabilities)

    for one, share in probabilities.items():
        n = sum(group.n for group in groups if one in group.segments)
        assert -1e-9 <= found[one] <= n * (1 - share) + 1e-9


@given(weeks(), st.data())
def test_a_step_saves_what_no_other_part_goes_on_asking_for(
    week: tuple[list[Together[str]], dict[str, float]], data: st.DataObject
) -> None:
    groups, probabilities = week
    moved = data.draw(st.sampled_from(sorted(probabilities)))
    to = data.draw(shares.filter(lambda one: one <= probabilities[moved]))
    n = sum(group.n for group in groups if moved in group.segments)

    saved = reviews_saved(groups, probabilities, moved=moved, to=to)

    after = probabilities | {moved: to}
    before, then = (passing(groups, one) for one in (probabilities, after))
    assert saved == pytest.approx(then[moved] - before[moved], abs=1e-6)
    assert saved <= n * (probabilities[moved] - to) + 1e-9


@given(
    st.lists(
        st.tuples(st.tuples(shares, shares), st.tuples(st.booleans(), st.booleans())),
        min_size=1,
        max_size=30,
    )
)
def test_errors_let_through_are_bounded_whatever_goes_with_what(
    items: list[tuple[tuple[float, float], tuple[bool, bool]]],
) -> None:
    """Two parts, any items: the mean of errors that pass is under the bound."""
    for part, share in product((0, 1), {asked[0] for asked, _ in items}):
        mine = [one for one in items if one[0][part] == share]
        if not mine:
            continue
        rate = np.mean([wrong[part] for _, wrong in mine])
        through = sum((1 - max(asked)) * wrong[part] for asked, wrong in mine)
        n_passing = sum(1 - max(asked) for asked, _ in mine)
        at_most = errors_at_most(
            n=len(mine), probability=share, bound=float(rate), n_passing=n_passing
        )
        assert through <= at_most + 1e-9


def test_more_errors_are_those_of_all_parts_that_share_the_items() -> None:
    groups = [Together(("label", "torque"), 80, 0), Together(("label", "tool"), 20, 0)]
    standings = {
        "label": (100, 0.5, 0.02),
        "torque": (80, 0.1, 0.1),
        "tool": (20, 1.0, 0.5),
    }

    # the tool's items go on being seen; of the label's a quarter more pass
    saved = reviews_saved(
        groups, {"label": 0.5, "torque": 0.1, "tool": 1.0}, moved="label", to=0.25
    )
    added = errors_added(groups, standings, moved="label", to=0.25, n_saved=saved)

    assert saved == pytest.approx(80 * 0.25)
    assert added == pytest.approx(100 * 0.25 * 0.02 + 80 * 0.25 * 0.1 + 0)
    assert errors_added(groups, standings, moved="label", to=0.25, n_saved=1) == 1


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_shares_of_delta_add_up_to_all_of_it(n_segments: list[int]) -> None:
    parts = len(n_segments)
    total = sum(n / sharing(parts, n) for n in n_segments)

    assert total == pytest.approx(1)
    assert sharing(0, 0) == 1
