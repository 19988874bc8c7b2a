"""Slices: exact cuts, and that they cover everything once."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.trust.segments import OTHER, Slice, cut_slices, find_slice

EDGES = (0.1, 0.5, 0.9)
type Rows = list[tuple[str, float, str]]


def cut(
    rows: Rows,
    *,
    min_share: float,
    edges: tuple[float, ...] = EDGES,
    label_keys: tuple[str, ...] = ("ok", "fraud"),
) -> list[Slice]:
    labels, probabilities, values = zip(*rows, strict=True) if rows else ((), (), ())
    return cut_slices(
        labels,
        probabilities,
        values,
        label_keys=label_keys,
        edges=edges,
        min_share=min_share,
    )


def many(n: int, label: str, probability: float, value: str = OTHER) -> Rows:
    return [(label, probability, value)] * n


def test_bands_end_at_the_edges_where_each_holds_enough() -> None:
    rows = many(30, "ok", 0.05) + many(30, "ok", 0.3)
    rows += many(20, "fraud", 0.7) + many(20, "fraud", 0.95)

    assert cut(rows, min_share=0.2) == [
        Slice("ok", 0, 0.1),
        Slice("ok", 0.1, 1),
        Slice("fraud", 0, 0.9),
        Slice("fraud", 0.9, 1),
    ]


def test_neighbours_are_joined_until_they_hold_enough() -> None:
    rows = many(5, "ok", 0.05) + many(5, "ok", 0.3) + many(5, "ok", 0.7)
    rows += many(85, "ok", 0.95)

    # 5 % + 5 % make the tenth that is asked for; the third 5 % goes with what follows
    assert cut(rows, min_share=0.1, label_keys=("ok",)) == [
        Slice("ok", 0, 0.5),
        Slice("ok", 0.5, 1),
    ]


def test_too_little_at_the_top_goes_with_the_band_below() -> None:
    rows = many(95, "ok", 0.05) + many(5, "ok", 0.95)

    assert cut(rows, min_share=0.1, label_keys=("ok",)) == [Slice("ok", 0, 1)]


@pytest.mark.parametrize("rows", [[], many(3, "ok", 0.05)])
def test_a_label_with_little_or_nothing_is_one_slice(rows: Rows) -> None:
    assert cut(rows, min_share=0.5)[-1] == Slice("fraud", 0, 1)


def test_probability_on_an_edge_belongs_to_the_band_above() -> None:
    slices = cut(many(10, "ok", 0.1) + many(10, "ok", 0.05), min_share=0.5)

    assert find_slice(slices, label="ok", probability=0.1, value=OTHER) == 1
    below = float(np.nextafter(0.1, 0))
    assert find_slice(slices, label="ok", probability=below, value=OTHER) == 0
    assert find_slice(slices, label="ok", probability=1.0, value=OTHER) == 1
    assert find_slice(slices, label="ok", probability=0.0, value=OTHER) == 0


def test_frequent_values_have_slices_and_the_rest_shares_one() -> None:
    rows = many(60, "ok", 0.05, "north") + many(30, "ok", 0.3, "south")
    rows += many(5, "ok", 0.05, "east") + many(5, "ok", 0.95, "west")

    slices = cut(rows, min_share=0.1, label_keys=("ok",))

    assert slices == [
        Slice("ok", 0, 1, "north"),
        Slice("ok", 0, 1, "south"),
        Slice("ok", 0, 1, OTHER),
    ]
    places = {
        value: find_slice(slices, label="ok", probability=0.3, value=value)
        for value in ("north", "south", "east", "never seen", OTHER)
    }
    assert places == {"north": 0, "south": 1, "east": 2, "never seen": 2, OTHER: 2}


def test_values_that_are_missing_never_share_with_a_frequent_one() -> None:
    rows = many(50, "ok", 0.05, OTHER) + many(50, "ok", 0.05, "north")

    slices = cut(rows, min_share=0.1, label_keys=("ok",))

    assert [one.value for one in slices] == ["north", OTHER]


@pytest.mark.parametrize(
    ("label", "probability"),
    [("other", 0.5), ("ok", -0.01), ("ok", 1.01), ("ok", math.nan)],
)
def test_what_no_slice_holds_has_none(label: str, probability: float) -> None:
    slices = cut(many(10, "ok", 0.5), min_share=0.1)

    assert find_slice(slices, label=label, probability=probability, value="") is None


def test_labels_beside_the_keys_count_and_have_no_slice() -> None:
    rows = many(10, "ok", 0.05) + many(10, "ok", 0.95) + many(80, "gone", 0.5)

    # a tenth of all 100, not of the 20
    assert cut(rows, min_share=0.11, label_keys=("ok",)) == [Slice("ok", 0, 1)]
    assert len(cut(rows, min_share=0.1, label_keys=("ok",))) == 2


@pytest.mark.parametrize(
    ("probability", "min_share"), [(-0.1, 0.1), (1.1, 0.1), (math.nan, 0.1), (0.5, 1.1)]
)
def test_numbers_out_of_range_are_refused(probability: float, min_share: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        cut(many(1, "ok", probability), min_share=min_share)


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        cut_slices(["ok"], [0.5, 0.6], [""], label_keys=["ok"], edges=[], min_share=0.1)


labels = st.sampled_from(["ok", "fraud", "gone"])
values = st.sampled_from([OTHER, "north", "south", "east", "west"])
probabilities = st.one_of(st.sampled_from([0.0, *EDGES, 1.0]), st.floats(0, 1))
rows_of = st.lists(st.tuples(labels, probabilities, values), max_size=80)
shares = st.floats(0, 1)
edges_of = st.lists(probabilities, max_size=6).map(tuple)


@settings(deadline=None)
@given(rows=rows_of, edges=edges_of, min_share=shares, probe=probabilities)
def test_slices_of_a_label_hold_every_probability_and_value_once(
    rows: Rows, edges: tuple[float, ...], min_share: float, probe: float
) -> None:
    slices = cut(rows, edges=edges, min_share=min_share)

    assert len(set(slices)) == len(slices)
    for label in ("ok", "fraud"):
        of_label = [one for one in slices if one.label == label]
        for value in {one.value for one in of_label}:
            bands = [one for one in of_label if one.value == value]
            assert (bands[0].low, bands[-1].high) == (0, 1)
            assert [one.high for one in bands[:-1]] == [one.low for one in bands[1:]]
            assert all(one.low < one.high for one in bands)
        assert OTHER in {one.value for one in of_label}
        for value in (OTHER, "north", "new"):
            at = find_slice(slices, label=label, probability=probe, value=value)
            assert at is not None
            holding = slices[at]
            assert holding.value in (value, OTHER)
            assert holding.low <= probe <= holding.high


@settings(deadline=None)
@given(rows=rows_of, edges=edges_of, min_share=shares)
def test_a_slice_holds_the_smallest_share_unless_it_is_all_that_is_left(
    rows: Rows, edges: tuple[float, ...], min_share: float
) -> None:
    slices = cut(rows, edges=edges, min_share=min_share)
    found = [
        find_slice(slices, label=label, probability=probability, value=value)
        for label, probability, value in rows
    ]

    for at, one in enumerate(slices):
        is_rest = one.value == OTHER and (one.low, one.high) == (0, 1)
        assert is_rest or found.count(at) >= max(min_share * len(rows), 1)
    # nothing is counted outside: only labels without slices are left over
    assert found.count(None) == sum(label == "gone" for label, _, _ in rows)


@settings(deadline=None)
@given(rows=rows_of, min_share=shares, seed=st.integers(0, 2**32))
def test_the_order_of_items_changes_nothing(
    rows: Rows, min_share: float, seed: int
) -> None:
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)

    assert cut(shuffled, min_share=min_share) == cut(rows, min_share=min_share)


@settings(deadline=None)
@given(rows=rows_of, min_share=shares)
def test_without_a_feature_every_slice_but_a_labels_only_one_holds_enough(
    rows: Rows, min_share: float
) -> None:
    plain = [(label, probability, OTHER) for label, probability, _ in rows]

    slices = cut(plain, min_share=min_share)

    for at, one in enumerate(slices):
        is_only = sum(other.label == one.label for other in slices) == 1
        held = sum(
            find_slice(slices, label=label, probability=probability, value=value) == at
            for label, probability, value in plain
        )
        assert is_only or held >= max(min_share * len(plain), 1)
