"""Figures of a replay: small cases by hand, and how often intervals hold."""

import numpy as np
import pytest

from reviewqueue.replay.figures import (
    Share,
    coverage,
    detections_of,
    estimates_of,
    judge_moves,
    stands_of,
    threshold_for,
    ways_of,
    weeks_of,
)
from reviewqueue.replay.rows import Move
from reviewqueue.trust.estimates import weighted_performance
from tests.reviewqueue.replay.rows import POSITIVE, one_slice, routed


def move(day: float, *, kind: str = "grant", **changes: object) -> Move:
    usual: dict[str, object] = {
        "segment": 0,
        "cause": "evidence" if kind == "grant" else "alarm",
        "to_probability": 0.5 if kind == "grant" else 1.0,
        "reviews": 40,
        "errors": 0,
        "bound": 0.09,
        "delta": 0.025,
        "since_day": 0.0,
    }
    return Move(day=day, kind=kind, **(usual | changes))


def test_weeks_add_up_to_the_stream() -> None:
    rows = routed(
        10,
        days=[0, 1, 2, 6.9, 7, 8, 9, 10, 20, 21],
        is_reviewed=[True] * 6 + [False] * 4,
        truth=["legitimate"] * 9 + ["fraud"],
    )

    weeks = weeks_of(rows, [move(6.95), move(8.0, kind="withdraw")])

    assert [one.reviewed for one in weeks] == [
        Share(4, 4),
        Share(2, 4),
        Share(0, 1),
        Share(0, 1),
    ]
    assert [one.undetected.k for one in weeks] == [0, 0, 0, 1]
    assert [(one.grants, one.withdrawals) for one in weeks] == [
        (1, 0),
        (0, 1),
        (0, 0),
        (0, 0),
    ]


def test_grant_is_wrong_when_the_truth_is_above_what_is_tolerated() -> None:
    truth = ["legitimate"] * 8 + ["fraud"] * 2
    rows = routed(10, days=np.arange(10.0), truth=truth)

    (wrong,) = judge_moves(rows, [one_slice(tolerated=0.15)], [move(5)])
    (right,) = judge_moves(rows, [one_slice(tolerated=0.2)], [move(5)])

    assert (wrong.is_wrong, right.is_wrong) == (True, False)
    assert (wrong.before, wrong.after, wrong.epoch) == (
        Share(0, 5),
        Share(2, 5),
        Share(2, 10),
    )


def test_grant_before_a_change_is_judged_by_what_was_before_it() -> None:
    truth = ["legitimate"] * 8 + ["fraud"] * 2
    rows = routed(10, days=np.arange(10.0), truth=truth)
    moves = [move(5), move(9, kind="withdraw")]

    granted, withdrawn = judge_moves(rows, [one_slice()], moves, changed_day=8)

    assert (granted.epoch, granted.is_wrong) == (Share(0, 8), False)
    assert (withdrawn.epoch, withdrawn.is_wrong) == (Share(2, 2), False)
    assert granted.after == Share(1, 4)  # until the withdrawal


def test_segment_counts_what_was_let_through() -> None:
    rows = routed(
        6,
        segments=[0, 0, 0, 1, 1, -1],
        truth=["fraud"] * 6,
        is_reviewed=[True, False, False, True, True, False],
    )

    first, second = stands_of(rows, [one_slice(), one_slice()])

    assert (first.reviewed, first.wrong, first.undetected) == (
        Share(1, 3),
        Share(3, 3),
        Share(2, 3),
    )
    assert second.undetected == Share(0, 2)


def test_ways_are_compared_on_the_same_items() -> None:
    rows = routed(
        6,
        said=["fraud", "fraud", "legitimate", "legitimate", "legitimate", "legitimate"],
        truth=["fraud", "legitimate", "fraud", "fraud", "legitimate", "legitimate"],
        found=["fraud", "legitimate", "fraud", "", "", ""],
        probabilities=[0.9, 0.8, 0.3, 0.1, 0.1, 0.1],
        review_probabilities=[1, 1, 1, 0.5, 0.5, 0.5],
        is_reviewed=[True, True, True, False, True, False],
    )

    ways = {one.name: one for one in ways_of(rows, positive=POSITIVE)}

    assert ways["everything"].false_positives == Share(3, 6)
    assert ways["what the model flags"].reviewed == Share(2, 6)
    assert ways["what the model flags"].false_positives == Share(1, 2)
    assert ways["what the model flags"].caught == Share(1, 3)
    assert ways["fixed threshold"].reviewed == Share(3, 6)
    assert ways["earned"].reviewed == Share(4, 6)
    assert ways["earned"].caught == Share(2, 3)
    assert ways["earned"].undetected == Share(1, 6)
    assert ways["earned, audits left out"].reviewed == Share(3, 6)


def test_threshold_catches_nine_of_ten_of_what_people_found() -> None:
    rows = routed(10, found=["fraud"] * 10, probabilities=np.arange(1, 11) / 10)

    threshold = threshold_for(rows, positive=POSITIVE)

    assert float(np.mean(rows.probabilities >= threshold)) >= 0.9
    assert threshold > 0


def test_estimates_are_those_of_the_pure_function() -> None:
    rng = np.random.default_rng(4)
    truth = np.where(rng.random(400) < 0.2, "fraud", "legitimate")
    seen = rng.random(400) < 0.5
    rows = routed(
        400,
        truth=truth,
        said=np.where(rng.random(400) < 0.9, truth, "legitimate"),
        found=np.where(seen, truth, ""),
        is_reviewed=seen,
        review_probabilities=np.full(400, 0.5),
    )

    estimates = estimates_of(rows, positive=POSITIVE)

    expected = weighted_performance(
        rows.said[seen] == "fraud", truth[seen] == "fraud", np.full(seen.sum(), 0.5)
    )
    assert [one.by_people for one in estimates] == [
        getattr(expected, one.measure) for one in estimates
    ]
    recall = next(one for one in estimates if one.measure == "recall")
    assert recall.truth == np.mean(rows.said[truth == "fraud"] == "fraud")


@pytest.mark.parametrize(("prevalence", "error"), [(0.3, 0.1), (0.05, 0.02)])
def test_a_five_percent_audit_agrees_with_the_truth_in_95_of_100_replays(
    prevalence: float, error: float
) -> None:
    rng = np.random.default_rng(11)
    truth = rng.random(20_000) < prevalence
    said = truth ^ (rng.random(20_000) < error)

    held = coverage(said, truth, share=0.05, n_replays=1000, seed=5)

    # within three standard errors of 1,000 replays, 0.7 % each
    assert min(held.values()) > 0.93
    assert float(np.mean(list(held.values()))) >= 0.945


def test_intervals_that_are_too_narrow_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scipy.special.ndtri", lambda _: 1.645)
    rng = np.random.default_rng(11)
    truth = rng.random(20_000) < 0.3
    said = truth ^ (rng.random(20_000) < 0.1)

    held = coverage(said, truth, share=0.05, n_replays=1000, seed=5)

    assert min(held.values()) < 0.92


def test_detection_counts_from_the_change_to_the_withdrawal() -> None:
    rows = routed(
        10,
        days=np.arange(10.0),
        truth=["legitimate"] * 5 + ["fraud"] * 5,
        is_reviewed=[True, False] * 5,
    )
    moves = [move(2), move(8, kind="withdraw")]

    (found,) = detections_of(rows, [one_slice()], moves, changed_day=5)

    assert (found.before, found.after) == (Share(0, 5), Share(5, 5))
    assert (found.is_due, found.withdrawn_day, found.cause) == (True, 8, "alarm")
    assert (found.items, found.reviews, found.undetected) == (3, 1, 2)


def test_change_in_a_segment_without_autonomy_has_nothing_to_withdraw() -> None:
    rows = routed(10, days=np.arange(10.0))

    assert detections_of(rows, [one_slice()], [], changed_day=5) == []
    moves = [move(2), move(3, kind="withdraw"), move(7)]
    assert detections_of(rows, [one_slice()], moves, changed_day=5) == []
