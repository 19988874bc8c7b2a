"""Files as an integration would send them, read back by the readers."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from predictions.declaration import Declaration, parse_declaration
from predictions.intake.columns import ColumnMap
from predictions.intake.tables import read_csv
from predictions.intake.validation import compile_validator
from reviewqueue.proof.batches import write_batch, write_table
from reviewqueue.proof.data_sets import Row
from tests.factories.predictions import DECLARATION

START = datetime(2025, 1, 1, tzinfo=UTC)


def declaration() -> Declaration:
    return parse_declaration(DECLARATION.format(slug="cards", name="Cards"))


def rows(n: int) -> list[Row]:
    return [
        Row(
            f"tx-{i}",
            START + timedelta(minutes=i),
            {
                "amount": i + 0.1,
                "card_present": "yes",
                "night": None,
                "customer": f"c-{i}",
            },
            "fraud" if i % 2 else "legitimate",
        )
        for i in range(n)
    ]


def test_batch_holds_every_row_the_broken_ones_and_some_again(tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    write_batch(
        path,
        rows(100),
        declaration(),
        n_broken=14,
        n_again=5,
        rng=np.random.default_rng(3),
    )

    with path.open("rb") as file:
        chunks = list(read_csv(file, declaration(), ColumnMap()))
    raw = [one for chunk in chunks for one in chunk]
    checked = compile_validator(declaration()).validate(raw, now=datetime.now(UTC))

    n_conflicts = 2  # of seven ways to break a row, one shows only in the store
    assert len(raw) == 119
    assert len(checked.rejected) == 14 - n_conflicts
    contents = Counter(one.external_id for one in checked.accepted)
    assert contents.keys() == {f"tx-{i}" for i in range(100)}
    assert contents.total() == 100 + 5 + n_conflicts
    rules = {error.rule for one in checked.rejected for error in one.errors}
    assert len(rules) >= 4


def test_same_seed_writes_the_same_batch(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        write_batch(
            path,
            rows(50),
            declaration(),
            n_broken=7,
            n_again=3,
            rng=np.random.default_rng(1),
        )

    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_truth_goes_only_into_the_training_file(tmp_path: Path) -> None:
    path = tmp_path / "first.csv"
    write_table(path, rows(3), declaration(), with_label=True)
    write_table(tmp_path / "in.csv", rows(3), declaration(), with_label=False)

    with path.open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [
            "legitimate",
            "fraud",
            "legitimate",
        ]
    assert "legitimate" not in (tmp_path / "in.csv").read_text()
