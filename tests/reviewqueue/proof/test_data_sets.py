"""Rows of each data set, in the words of its workflow."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from predictions.declaration import parse_declaration
from predictions.intake.validation import compile_validator
from reviewqueue.proof.batches import cells_of, read_batch, write_table
from reviewqueue.proof.data_sets import DATA_SETS, DataSet
from tests.reviewqueue.proof.generated import write_data_sets

N_ROWS = 60
EVERY_SET = pytest.mark.parametrize("data_set", DATA_SETS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_sets(tmp_path_factory.mktemp("sets"), n=N_ROWS)


@EVERY_SET
def test_rows_keep_to_the_declaration_and_stand_in_order(
    data_set: DataSet, folder: Path, tmp_path: Path
) -> None:
    source = settings.BASE_DIR / "workflows" / f"{data_set.slug}.toml"
    declaration = parse_declaration(source.read_text())

    rows = data_set.read(folder / data_set.name, 1)

    assert len({row.external_id for row in rows}) == N_ROWS
    assert {row.label for row in rows} <= set(declaration.label_keys)
    moments = [row.occurred_at for row in rows]
    assert moments == sorted(moments)
    write_table(tmp_path / "sent.csv", rows, declaration, with_label=False)
    sent = list(read_batch(tmp_path / "sent.csv", declaration))
    checked = compile_validator(declaration).validate(
        sent, now=datetime(2026, 3, 2, tzinfo=UTC)
    )
    assert [one.errors for one in checked.rejected] == []
    assert len(checked.accepted) == N_ROWS


@EVERY_SET
def test_truth_is_in_no_feature(data_set: DataSet, folder: Path) -> None:
    rows = data_set.read(folder / data_set.name, 1)

    hidden = {"fraud", "died_30d", "fault", "known_fault", "failure_mode", "label"}
    for row in rows:
        assert not hidden & row.features.keys()
        assert row.label not in cells_of(row).values()


@EVERY_SET
def test_same_seed_gives_the_same_rows(data_set: DataSet, folder: Path) -> None:
    first, second = (data_set.read(folder / data_set.name, 7) for _ in range(2))

    assert first == second


@EVERY_SET
def test_files_that_are_not_there_are_named(data_set: DataSet, tmp_path: Path) -> None:
    assert data_set.missing(tmp_path) == [
        f"{data_set.name}/{file}" for file in data_set.files
    ]
