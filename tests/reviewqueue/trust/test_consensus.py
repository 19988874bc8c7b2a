"""Labels from several people's judgements: planted truth, an independent estimate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reviewqueue.trust import consensus
from reviewqueue.trust.agreement import Judgements
from reviewqueue.trust.consensus import (
    dawid_skene,
    discernment,
    expected_accuracy,
    judgements_of_each,
)

type Row = tuple[int, int, str]
type Floats = NDArray[np.float64]

judgements = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 3)), st.sampled_from("abc"), min_size=1
).map(lambda said: [(item, person, label) for (item, person), label in said.items()])


def of_rows(rows: list[Row]) -> Judgements:
    items, people, labels = zip(*rows, strict=True)
    return Judgements.of(items, people, labels)


def simulated(
    truth: NDArray[np.int64], confusion: Floats, rng: np.random.Generator
) -> Judgements:
    """Let each person [people, true, said] judge every item."""
    n_people, n_labels = confusion.shape[:2]
    said = np.stack(
        [
            (rng.random((truth.size, 1)) > np.cumsum(one[truth], axis=1)).sum(axis=1)
            for one in confusion
        ]
    )
    return Judgements.of(
        np.tile(np.arange(truth.size), n_people),
        np.repeat(np.arange(n_people), truth.size),
        np.minimum(said, n_labels - 1).ravel(),
    )


def of_quality(right: float, n_labels: int = 3) -> Floats:
    wrong = (1 - right) / (n_labels - 1)
    return np.full((n_labels, n_labels), wrong) + np.eye(n_labels) * (right - wrong)


def test_a_single_judgement_follows_the_prior() -> None:
    found = dawid_skene(of_rows([(1, 1, "a"), (2, 1, "b")]))

    # nobody else to compare with: the labels are as likely, the person is a little
    # more trusted than two in three, since the answers fit
    assert found.posteriors[0, 0] == pytest.approx(found.posteriors[1, 1], abs=1e-4)
    assert 2 / 3 < found.posteriors[0, 0] < 1
    assert found.prevalence == pytest.approx([0.5, 0.5], abs=1e-4)


def test_no_judgements_give_empty_arrays() -> None:
    found = dawid_skene(Judgements.of([], [], []))

    assert found.posteriors.shape == (0, 0)
    assert found.confusion.shape == (0, 0, 0)
    assert found.prevalence.shape == (0,)
    assert found.has_converged


def test_a_label_given_throughout_is_certain() -> None:
    found = dawid_skene(of_rows([(1, 1, "a"), (1, 2, "a"), (2, 1, "a")]))

    assert found.posteriors.tolist() == [[1.0], [1.0]]
    assert found.has_converged


def test_planted_confusion_is_found() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(3, 4000, p=[0.6, 0.3, 0.1])
    # the last one takes half of the second label for the first
    biased = np.array([[0.9, 0.05, 0.05], [0.5, 0.45, 0.05], [0.1, 0.1, 0.8]])
    planted = np.stack([of_quality(0.95), of_quality(0.8), of_quality(0.7), biased])
    found = dawid_skene(simulated(truth, planted, rng))

    assert found.has_converged
    assert found.confusion == pytest.approx(planted, abs=0.05)
    assert found.prevalence == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_it_beats_the_majority_where_people_differ_in_quality() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 1000)
    quality = [0.95, 0.9, 0.55, 0.55, 0.55]
    seen = simulated(truth, np.stack([of_quality(q, 2) for q in quality]), rng)
    found = dawid_skene(seen)

    majority = np.mean(seen.votes().argmax(axis=1) == truth)
    together = np.mean(found.posteriors.argmax(axis=1) == truth)
    # who knew everyone's quality would weigh each vote by its log odds
    votes = np.where(seen.labels == 1, 1, -1).reshape(5, 1000)
    weighted = np.log(np.divide(quality, np.subtract(1, quality))) @ votes
    best = np.mean((weighted > 0) == truth)
    assert together - majority > 0.05
    assert best - together < 0.03
    # what it says of its own certainty is true
    assert found.posteriors.max(axis=1).mean() == pytest.approx(together, abs=0.04)


def test_what_people_err_on_together_is_taken_for_truth() -> None:
    truth = np.random.default_rng(3).integers(0, 2, 500)
    same_mistakes = truth.copy()
    same_mistakes[:50] = 1 - same_mistakes[:50]
    seen = Judgements.of(
        np.tile(np.arange(500), 3),
        np.repeat(np.arange(3), 500),
        np.tile(same_mistakes, 3),
    )

    found = dawid_skene(seen).posteriors.argmax(axis=1)
    assert np.array_equal(found, same_mistakes)


def test_an_iteration_that_is_cut_short_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consensus, "MAX_ITERATIONS", 2)
    rng = np.random.default_rng(4)
    planted = np.stack([of_quality(q) for q in (0.9, 0.7, 0.5)])
    found = dawid_skene(simulated(rng.integers(0, 3, 200), planted, rng))

    assert not found.has_converged
    assert found.n_iterations == 2


def test_accuracy_of_each_person_is_near_the_planted_one() -> None:
    rng = np.random.default_rng(5)
    quality = (0.95, 0.8, 0.6)
    planted = np.stack([of_quality(q) for q in quality])
    seen = simulated(rng.integers(0, 3, 3000), planted, rng)

    found = expected_accuracy(seen, dawid_skene(seen))

    assert found == pytest.approx(quality, abs=0.03)
    assert judgements_of_each(seen).tolist() == [3000, 3000, 3000]


def test_accuracy_is_the_mean_probability_of_what_was_said() -> None:
    seen = of_rows([(1, 1, "a"), (1, 2, "b"), (2, 1, "a"), (2, 2, "a"), (3, 2, "b")])
    found = dawid_skene(seen)
    p = found.posteriors

    assert expected_accuracy(seen, found) == pytest.approx(
        [(p[0, 0] + p[1, 0]) / 2, (p[0, 1] + p[1, 0] + p[2, 1]) / 3]
    )
    nothing = Judgements.of([], [], [])
    assert expected_accuracy(nothing, dawid_skene(nothing)).shape == (0,)


def test_no_accuracy_of_an_estimate_that_did_not_settle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(6)
    planted = np.stack([of_quality(q) for q in (0.9, 0.7, 0.5)])
    seen = simulated(rng.integers(0, 3, 300), planted, rng)
    monkeypatch.setattr(consensus, "MAX_WORK", 0)
    monkeypatch.setattr(consensus, "MIN_ITERATIONS", 3)

    found = dawid_skene(seen)

    assert (found.n_iterations, found.has_converged) == (3, False)
    assert np.isnan(expected_accuracy(seen, found)).tolist() == [True] * 3


def _item_by_item(rows: list[Row], iterations: int) -> dict[tuple[int, str], float]:
    """Do the same with loops over the rows."""
    items = {item for item, _, _ in rows}
    labels = sorted({label for _, _, label in rows})
    n = len(labels)
    of_item = {i: [(p, v) for item, p, v in rows if item == i] for i in items}
    posterior = {
        (i, t): sum(v == t for _, v in said) / len(said)
        for i, said in of_item.items()
        for t in labels
    }

    def believed(person: int, true: str, said: str) -> float:
        prior = {t: 2.0 if t == true else 1 / max(n - 1, 1) for t in labels}
        for i, p, v in rows:
            if p == person:
                prior[v] += posterior[i, true]
        return prior[said] / sum(prior.values())

    for _ in range(iterations):
        share = {t: sum(posterior[i, t] for i in items) + 1 / n for t in labels}
        updated = {
            (i, t): share[t] * math.prod(believed(p, t, v) for p, v in of_item[i])
            for i in items
            for t in labels
        }
        for i in items:
            total = sum(updated[i, t] for t in labels)
            updated |= {(i, t): updated[i, t] / total for t in labels}
        posterior = updated
    return posterior


@given(judgements)
def test_it_is_the_estimate_made_item_by_item(rows: list[Row]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(consensus, "MAX_ITERATIONS", 4)
        seen = of_rows(rows)
        found = dawid_skene(seen)

    expected = _item_by_item(rows, found.n_iterations)
    for i, item in enumerate(seen.item_names):
        for t, label in enumerate(seen.label_names):
            assert found.posteriors[i, t] == pytest.approx(expected[item, label])


@given(judgements)
def test_everything_is_a_distribution(rows: list[Row]) -> None:
    found = dawid_skene(of_rows(rows))

    assert found.posteriors.sum(axis=1) == pytest.approx(1.0)
    assert found.confusion.sum(axis=2) == pytest.approx(1.0)
    assert found.prevalence.sum() == pytest.approx(1.0)
    assert np.all(found.confusion > 0)


@given(judgements, st.data())
def test_order_of_rows_does_not_matter(rows: list[Row], data: st.DataObject) -> None:
    found = dawid_skene(of_rows(rows))
    again = dawid_skene(of_rows(data.draw(st.permutations(rows))))

    assert np.array_equal(found.posteriors, again.posteriors)
    assert np.array_equal(found.confusion, again.confusion)


def test_discernment_is_nothing_for_who_always_says_the_same() -> None:
    items = list(range(60))
    truth = ["bad" if at % 3 == 0 else "ok" for at in items]
    wrong = {5, 6}
    careful = [
        ("ok" if one == "bad" else "bad") if at in wrong else one
        for at, one in enumerate(truth)
    ]
    seen = Judgements.of(
        items * 4,
        ["a"] * 60 + ["b"] * 60 + ["c"] * 60 + ["same"] * 60,
        truth + truth + careful + ["ok"] * 60,
    )
    found = dawid_skene(seen)
    a, _, c, same = discernment(found)

    assert 0 <= same < 0.1 < 0.8 < c < a <= 1
    # as often right as "ok" is true: the share alone would not tell
    assert expected_accuracy(seen, found)[3] > 0.6


def test_discernment_of_an_estimate_that_did_not_settle_is_unknown() -> None:
    seen = Judgements.of([1, 1], ["a", "b"], ["ok", "ok"])
    assert np.isnan(discernment(dawid_skene(seen))).all()  # one label
