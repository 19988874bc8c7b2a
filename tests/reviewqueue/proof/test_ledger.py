"""The sums that must hold: each can fail, and says so."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.proof.ledger import (
    Comparison,
    Counts,
    Run,
    identities,
    roc_auc_error,
    table,
)

TOLD_ONLY = {"requests", "repeated", "labels_right"}  # no sum is to be made of them


def balanced() -> Counts:
    return Counts(
        rows_first=50,
        rows_live=35,
        rows_last=15,
        n_broken=3,
        n_again=2,
        sent=55,
        accepted=50,
        duplicates=2,
        quarantined=3,
        items=50,
        quarantine_rows=3,
        trained_first=50,
        scored=50,
        scored_second=15,
        scored_third=15,
        routed_auto=20,
        routed_review=30,
        by_policy=25,
        by_audit=4,
        by_failure=1,
        cases=34,
        cases_first=30,
        cases_second=3,
        cases_adjudication=1,
        cases_decided=24,
        cases_open=10,
        routed_review_last=10,
        acknowledged=24,
        decisions=24,
        confirmed=15,
        overridden=8,
        unsure=1,
        outcomes_sent=8,
        outcomes=8,
        outcomes_unreviewed=5,
        labels=25,
        labels_decision=16,
        labels_adjudication=1,
        labels_outcome=8,
        snapshot_rows=25,
        file_rows=25,
        trained_second=25,
        trained_third=75,
    )


def test_identities_of_a_balanced_run_all_hold() -> None:
    assert [one.text for one in identities(balanced()) if not one.holds] == []


@pytest.mark.parametrize(
    "name", sorted({one.name for one in fields(Counts)} - TOLD_ONLY)
)
def test_one_item_too_many_breaks_a_sum(name: str) -> None:
    counts = balanced()
    counts = replace(counts, **{name: getattr(counts, name) + 1})

    assert not all(one.holds for one in identities(counts))


def test_run_names_the_broken_sum_with_both_sides() -> None:
    run = Run("set", "cards", replace(balanced(), duplicates=1))

    assert [tuple(one) for one in run.broken] == [
        ("accepted + duplicates + quarantined = sent", 54, 55),
        ("duplicates = rows sent twice", 1, 2),
    ]


def test_table_shows_each_run_in_a_column() -> None:
    comparison = Comparison(
        n=1500,
        n_positive=20,
        roc_auc=(0.9, 0.85, 0.91),
        average_precision=(0.5, 0.4, 0.6),
        right=(1200, 1050, 1350),
    )
    runs = [
        Run(
            "first",
            "cards",
            balanced(),
            comparison,
            seconds={"train": 61.4, "score": 2.0},
        ),
        Run("second", "plates", replace(balanced(), items=51)),
    ]

    lines = table(runs).splitlines()

    assert lines[0] == "|  | first | second |"
    assert "| items stored | 50 | 51 |" in lines
    n = len(identities(balanced()))
    assert f"| sums that hold | {n} of {n} | {n - 1} of {n} |" in lines
    assert "| compared on (of them positive) | 1,500 (20) | - |" in lines
    assert "| ROC AUC, version 1 → 2 → 3 | 0.900 → 0.850 → 0.910 | - |" in lines
    assert "| right label, version 1 → 2 → 3 | 80.0% → 70.0% → 90.0% | - |" in lines
    assert "| seconds to train | 61.4 | 0.0 |" in lines
    assert "| seconds in all | 63.4 | 0.0 |" in lines


@given(n_positive=st.integers(1, 999), n_negative=st.integers(1, 999))
def test_roc_auc_error_of_a_coin_is_that_of_the_rank_sum(
    n_positive: int, n_negative: int
) -> None:
    expected = (n_positive + n_negative + 1) / (12 * n_positive * n_negative)

    assert roc_auc_error(0.5, n_positive, n_negative) == pytest.approx(expected**0.5)


@given(area=st.floats(0.5, 1), n_positive=st.integers(1, 999), n=st.integers(1, 999))
def test_roc_auc_error_is_small_and_none_for_a_perfect_order(
    area: float, n_positive: int, n: int
) -> None:
    assert 0 <= roc_auc_error(area, n_positive, n) <= 0.5
    assert roc_auc_error(1.0, n_positive, n) == 0.0
