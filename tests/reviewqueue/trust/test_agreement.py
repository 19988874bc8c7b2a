"""Agreement between people: published tables, edges, properties, coverage."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from predictions.learning.evaluation import wilson_interval
from reviewqueue.trust.agreement import (
    Agreement,
    Judgements,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_agreement,
)

type Row = tuple[int, int, str]

COEFFICIENTS = [pairwise_agreement, krippendorff_alpha, fleiss_kappa]

# What two people said of the items, as Krippendorff 2011 prints it in A and B
BINARY = ["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"]
NOMINAL = ["a a b b d c c c e d d a", "b a b b b c c c e d d d"]
# its section C: four people, some of whom left some items out
FOUR_PEOPLE = [
    "1 2 3 3 2 1 4 1 2 * * *",
    "1 2 3 3 2 2 4 1 2 5 * 3",
    "* 3 3 3 2 3 4 2 2 5 1 *",
    "1 2 3 3 2 4 4 1 2 5 1 *",
]
# the example of Wikipedia's "Krippendorff's alpha"
THREE_PEOPLE = [
    "* * * * * 3 4 1 2 1 1 3 3 * 3",
    "1 * 2 1 3 3 4 3 * * * * * * *",
    "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
]
# the example of Wikipedia's "Fleiss' kappa": votes of 14 people, [items, labels]
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
# Cohen 1960, table 1, of 200 persons: who said what [first, second]
COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]


def of_rows(rows: list[Row]) -> Judgements:
    items, people, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return Judgements.of(items, people, labels)


def of_lines(lines: list[str]) -> Judgements:
    return of_rows(
        [
            (item, person, label)
            for person, line in enumerate(lines)
            for item, label in enumerate(line.split())
            if label != "*"
        ]
    )


def of_votes(votes: list[list[int]]) -> Judgements:
    rows = []
    for item, counts in enumerate(votes):
        labels = np.repeat(np.arange(len(counts)), counts)
        rows += [(item, person, str(label)) for person, label in enumerate(labels)]
    return of_rows(rows)


def paired(table: list[list[int]]) -> tuple[list[int], list[int]]:
    first, second = [], []
    for a, line in enumerate(table):
        for b, count in enumerate(line):
            first += [a] * count
            second += [b] * count
    return first, second


judgements = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 3)), st.sampled_from("abc")
).map(lambda said: [(item, person, label) for (item, person), label in said.items()])


@pytest.mark.parametrize(
    ("lines", "alpha", "n_items", "n_pairs"),
    [
        (BINARY, 0.095, 10, 10),
        (NOMINAL, 0.692, 12, 12),
        (FOUR_PEOPLE, 0.743, 11, 55),
        (THREE_PEOPLE, 0.691, 12, 16),
    ],
)
def test_alpha_of_published_examples(
    lines: list[str], alpha: float, n_items: int, n_pairs: int
) -> None:
    found = krippendorff_alpha(of_lines(lines), seed=1)

    assert round(found.value, 3) == alpha
    assert (found.n_items, found.n_pairs) == (n_items, n_pairs)
    assert found.low < found.value < found.high


def test_fleiss_kappa_of_the_published_example() -> None:
    found = fleiss_kappa(of_votes(FLEISS), seed=1)

    assert round(found.value, 3) == 0.210
    assert (found.n_items, found.n_pairs) == (10, 10 * 14 * 13 // 2)


def test_cohen_kappa_of_the_published_example() -> None:
    found = cohen_kappa(*paired(COHEN), seed=1)

    # observed 0.70, chance 0.5 * 0.6 + 0.3 * 0.3 + 0.2 * 0.1
    assert found.value == pytest.approx((0.70 - 0.41) / 0.59)
    # Cohen's own standard error, 0.0549, at 1.96
    assert found.low == pytest.approx(found.value - 1.96 * 0.0549, abs=0.01)
    assert found.high == pytest.approx(found.value + 1.96 * 0.0549, abs=0.01)


def test_pairwise_agreement_by_hand() -> None:
    # one pair that agrees; of three people's three pairs one; one judgement alone
    rows = [(1, 1, "a"), (1, 2, "a"), (2, 1, "a"), (2, 2, "b"), (2, 3, "a")]
    found = pairwise_agreement(of_rows([*rows, (3, 1, "b")]), seed=1)

    assert found.value == pytest.approx(2 / 4)
    assert (found.n_items, found.n_pairs) == (2, 4)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_cohen_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = cohen_kappa(first, second, seed=1)

    if len({*first, *second}) == 1:
        assert math.isnan(found.value)
    else:
        assert found.value == pytest.approx(cohen_kappa_score(first, second))


def _alpha_by_definition(rows: list[Row]) -> float:
    """Follow the definition pair by pair."""
    said: dict[int, list[str]] = {}
    for item, _person, label in rows:
        said.setdefault(item, []).append(label)
    units = [labels for labels in said.values() if len(labels) > 1]
    values = [label for labels in units for label in labels]
    n = len(values)
    observed = sum(
        sum(a != b for a in labels for b in labels) / (len(labels) - 1)
        for labels in units
    )
    expected = sum(a != b for a in values for b in values) / (n - 1) if n else 0
    return 1 - observed / expected if expected else math.nan


@given(judgements)
def test_alpha_is_the_definition(rows: list[Row]) -> None:
    found = krippendorff_alpha(of_rows(rows), seed=1)

    assert found.value == pytest.approx(_alpha_by_definition(rows), nan_ok=True)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@given(rows=judgements, data=st.data())
def test_neither_order_nor_names_matter(
    coefficient: Callable[..., Agreement], rows: list[Row], data: st.DataObject
) -> None:
    before = coefficient(of_rows(rows), seed=7)
    again = coefficient(of_rows(data.draw(st.permutations(rows))), seed=7)
    people = data.draw(st.permutations(range(4)))
    labels = dict(zip("abc", data.draw(st.permutations("abc")), strict=True))
    renamed = [(90 - item, people[person], labels[v]) for item, person, v in rows]
    other = coefficient(of_rows(renamed), seed=7)

    assert repr(again) == repr(before)
    assert other.value == pytest.approx(before.value, nan_ok=True)
    assert (other.n_items, other.n_pairs) == (before.n_items, before.n_pairs)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@given(rows=judgements)
def test_values_and_intervals_stay_in_range(
    coefficient: Callable[..., Agreement], rows: list[Row]
) -> None:
    found = coefficient(of_rows(rows), seed=3)

    if not math.isnan(found.value):
        assert -1 <= found.value <= 1
    if not math.isnan(found.low):
        assert found.low <= found.high <= 1


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@pytest.mark.parametrize("rows", [[], [(1, 1, "a"), (2, 1, "b"), (3, 2, "a")]])
def test_without_a_pair_there_is_no_agreement(
    coefficient: Callable[..., Agreement], rows: list[Row]
) -> None:
    found = coefficient(of_rows(rows), seed=1)

    assert (found.n_items, found.n_pairs) == (0, 0)
    assert all(math.isnan(x) for x in (found.value, found.low, found.high))


def test_cohen_kappa_of_nothing_is_nan() -> None:
    assert math.isnan(cohen_kappa([], [], seed=1).value)


def test_one_label_throughout_leaves_kappa_undefined_and_agreement_whole() -> None:
    rows = [(item, person, "fraud") for item in range(20) for person in range(2)]
    seen = of_rows(rows)

    low = wilson_interval(20, 20).low
    assert pairwise_agreement(seen, seed=1) == Agreement(1.0, low, 1.0, 20, 20)
    for found in (
        krippendorff_alpha(seen, seed=1),
        fleiss_kappa(seen, seed=1),
        cohen_kappa(["fraud"] * 20, ["fraud"] * 20, seed=1),
    ):
        assert all(math.isnan(x) for x in (found.value, found.low, found.high))
        assert (found.n_items, found.n_pairs) == (20, 20)


def test_complete_agreement_on_few_items_promises_little() -> None:
    first = ["fraud"] * 3 + ["genuine"] * 3
    found = cohen_kappa(first, first, seed=1)

    assert found.value == found.high == 1
    assert found.low == pytest.approx((wilson_interval(6, 6).low - 0.5) / 0.5)


def test_a_label_seen_once_leaves_no_interval() -> None:
    # in a third of the resamples only one label is left
    first = ["genuine"] * 20
    second = ["genuine"] * 19 + ["fraud"]
    found = krippendorff_alpha(
        of_rows(
            [(i, 1, v) for i, v in enumerate(first)]
            + [(i, 2, v) for i, v in enumerate(second)]
        ),
        seed=1,
    )

    assert found.value == pytest.approx(0.0)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_interval_is_the_seeds() -> None:
    seen = of_lines(NOMINAL)

    assert krippendorff_alpha(seen, seed=1) == krippendorff_alpha(seen, seed=1)
    many = [krippendorff_alpha(seen, seed=s).low for s in range(5)]
    assert len(set(many)) > 1


def test_two_judgements_of_one_item_by_one_person_are_refused() -> None:
    with pytest.raises(ValueError, match="judges an item once"):
        Judgements.of(["x", "x"], ["alice", "alice"], ["fraud", "genuine"])


def test_rows_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Judgements.of([1, 2], ["alice", "bob"], ["fraud"])
    with pytest.raises(ValueError, match="one length"):
        cohen_kappa(["fraud"], ["fraud", "genuine"], seed=1)


def test_intervals_hold_the_true_value() -> None:
    rng = np.random.default_rng(11)
    n_items, n_streams, n_people = 150, 300, 3
    # each says the truth in 85 %, else one of the two at random
    alike = 0.85**2
    chance = 0.2**2 + 0.8**2
    # both say the truth, or at least one says what chance gives
    observed = alike + (1 - alike) * chance
    true = (observed - chance) / (1 - chance)
    inside = dict.fromkeys(("alpha", "fleiss", "cohen"), 0)
    for _ in range(n_streams):
        truth = rng.random(n_items) < 0.2
        guess = rng.random((n_people, n_items)) < 0.2
        said = np.where(rng.random((n_people, n_items)) < 0.85, truth, guess)
        seen = Judgements.of(
            np.tile(np.arange(n_items), n_people),
            np.repeat(np.arange(n_people), n_items),
            said.ravel(),
        )
        for name, found in {
            "alpha": krippendorff_alpha(seen, seed=1),
            "fleiss": fleiss_kappa(seen, seed=1),
            "cohen": cohen_kappa(said[0], said[1], seed=1),
        }.items():
            inside[name] += found.low <= true <= found.high

    for name, count in inside.items():
        assert count / n_streams >= 0.91, name
