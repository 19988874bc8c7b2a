"""Streams of the data sets: the past, the share that is asked for, a planted change."""

from dataclasses import replace
from pathlib import Path

import pytest

from predictions.declaration import Declaration, parse_declaration
from reviewqueue.replay.options import Options, Planted
from reviewqueue.replay.streams import SOURCES, SPAN, Source, plant, read_stream, typed
from tests.factories.predictions import DECLARATION
from tests.reviewqueue.proof.generated import write_data_sets
from tests.reviewqueue.replay.rows import START, payments

N_ROWS = 300
SETS = [one for one in SOURCES.values() if one.name != "fraud_synccfd"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_sets(tmp_path_factory.mktemp("sets"), n=N_ROWS)


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return parse_declaration(DECLARATION.format(slug="cards", name="Cards"))


@pytest.mark.parametrize("source", SETS, ids=lambda one: one.name)
def test_rows_without_dates_fill_twelve_weeks(source: Source, folder: Path) -> None:
    stream = read_stream(source, folder / source.name, Options())

    assert (len(stream.past), len(stream.live), stream.n_all) == (120, 180, 180)
    moments = [row.occurred_at for row in stream.live]
    assert moments == sorted(moments)
    assert moments[-1] - moments[0] < SPAN


def test_a_share_of_the_first_days_is_the_same_at_every_reading(folder: Path) -> None:
    source = SOURCES["pdm_ai4i2020"]
    options = Options(share=0.5, days=42)

    first, second = (
        read_stream(source, folder / source.name, options) for _ in range(2)
    )

    assert first == second
    assert 25 < len(first.live) < 65
    assert all((row.occurred_at - first.start).days < 42 for row in first.live)
    whole = read_stream(source, folder / source.name, Options())
    assert {row.external_id for row in first.live} < {
        row.external_id for row in whole.live
    }


def test_months_that_are_missing_are_named(folder: Path) -> None:
    assert SOURCES["fraud_synccfd"].missing(folder) == [
        f"fraud_synccfd/transactions_2025-0{n}.parquet" for n in (3, 4, 5)
    ]


def test_cells_are_read_as_they_are_declared(declaration: Declaration) -> None:
    stream = payments(2, n_past=1, days=1)
    raw = {"amount": "12.5", "night": "yes", "customer": None, "card_present": "no"}
    stream = replace(stream, live=[replace(stream.live[0], features=raw)])

    read = typed(stream, declaration).live[0].features

    assert read == {"amount": 12.5, "night": True, "card_present": "no"}


def test_flip_gives_a_share_of_the_usual_the_other_label(
    declaration: Declaration,
) -> None:
    stream = payments(2000, n_past=200, days=20)

    planted = plant(stream, Planted("flip", 10, share=0.2), declaration=declaration)

    pairs = list(zip(stream.live, planted.live, strict=True))
    changed = [new for old, new in pairs if old != new]
    assert {row.label for row in changed} == {"fraud"}
    assert all((row.occurred_at - START).days >= 10 for row in changed)
    usual = [old for old, _ in pairs if old.label == "legitimate"]
    later = [old for old in usual if (old.occurred_at - START).days >= 10]
    assert len(changed) / len(later) == pytest.approx(0.2, abs=0.04)


def test_shift_scales_a_feature_from_its_day_on(declaration: Declaration) -> None:
    stream = payments(20, n_past=20, days=20)
    planted = Planted("shift", 10, feature="amount", factor=0.5)

    live = plant(stream, planted, declaration=declaration).live

    ratios = [
        float(str(new.features["amount"])) / float(str(old.features["amount"]))
        for old, new in zip(stream.live, live, strict=True)
    ]
    assert ratios == [1.0] * 10 + [0.5] * 10
    assert [row.label for row in live] == [row.label for row in stream.live]


def test_shift_of_what_is_no_number_is_refused(declaration: Declaration) -> None:
    planted = Planted("shift", 1, feature="card_present")

    with pytest.raises(ValueError, match="card_present: no number"):
        plant(payments(5, n_past=5, days=5), planted, declaration=declaration)
