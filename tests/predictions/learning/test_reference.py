import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.learning.features import Column
from predictions.learning.reference import Reference, UnreadableReference, drawn_rows

COLUMNS = (Column("amount", "number"), Column("kind", "category", ("food", "fuel")))


def made(n: int = 4) -> Reference:
    return Reference(
        matrix=np.array([[float(i), i % 2] for i in range(n)]),
        columns=COLUMNS,
        scores=np.linspace(0, 1, n),
        is_held_out=np.arange(n) >= n // 2,
    )


def test_bytes_come_back_as_they_were_and_are_the_same_each_time() -> None:
    before = made()
    before.matrix[1, 0] = np.nan

    data = before.to_bytes()
    after = Reference.from_bytes(data)

    np.testing.assert_array_equal(after.matrix, before.matrix)
    np.testing.assert_array_equal(after.scores, [0, 1 / 3, 2 / 3, 1])
    assert after.columns == COLUMNS
    assert after.held_out_scores.tolist() == before.scores[2:].tolist()
    assert before.to_bytes() == data


def pickled() -> bytes:
    target = io.BytesIO()
    np.savez(target, about=np.array([{"a": 1}], dtype=object))
    return target.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no zip", pickled(), made().to_bytes()[:-40]]
)
def test_what_is_no_reference_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableReference):
        Reference.from_bytes(data)


def test_parts_of_other_lengths_are_refused() -> None:
    with pytest.raises(UnreadableReference, match="lengths"):
        Reference(np.zeros((3, 2)), COLUMNS, np.zeros(2), np.zeros(3, dtype=np.bool_))


def test_drawn_rows_are_like_all_items_not_like_what_was_reviewed() -> None:
    # a tenth of what looked fine was reviewed, and all that looked bad
    looked_bad = np.arange(6_000) % 2 == 0
    weights = np.where(looked_bad, 1.0, 10.0)

    rows = drawn_rows(weights, np.arange(6_000.0), seed=3)

    assert (~looked_bad[rows]).sum() == 3_000
    assert looked_bad[rows].sum() == pytest.approx(300, abs=70)


@given(st.lists(st.floats(1, 100), max_size=60), st.integers(0, 9), st.integers(1, 40))
def test_drawn_rows_are_in_time_order_and_no_more_than_asked(
    weights: list[float], seed: int, most: int
) -> None:
    times = np.array([(i * 37) % 11 for i in range(len(weights))], dtype=np.float64)

    rows = drawn_rows(np.array(weights), times, seed=seed, max_rows=most)

    assert len(set(rows.tolist())) == len(rows) <= most
    assert (np.diff(times[rows]) >= 0).all()
    again = drawn_rows(np.array(weights), times, seed=seed, max_rows=most)
    assert rows.tolist() == again.tolist()
