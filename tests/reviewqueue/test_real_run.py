"""The whole path: declare, train, ingest, score, review, export, train again."""

import csv
import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Decision
from reviewqueue.proof.data_sets import DATA_SETS
from tests.factories.predictions import DECLARATION, make_items

DATA = os.environ.get("COUNTERSIGN_PROOF_DATA", "")
N_ROWS = 800
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def declaration(tmp_path: Path) -> Path:
    source = DECLARATION.format(slug="cards", name="Cards")
    source = source.replace('mode = "all"', 'mode = "between"\nlow = 0.15\nhigh = 0.97')
    source = source.replace("blind_share = 0.0", "blind_share = 0.2")
    source = source.replace("opinion_share = 0.0", "opinion_share = 0.2")
    path = tmp_path / "cards.toml"
    path.write_text(source)
    return path


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    """Write payments, a third of them fraud, that a model can mostly tell apart."""
    rng = np.random.default_rng(11)
    path = tmp_path / "payments.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Payment", "When", "amount", "card_present", "night", "truth"])
        for i in range(N_ROWS):
            is_fraud = rng.random() < 0.35
            amount = rng.gamma(2.0, 250.0 if is_fraud else 80.0)
            present = rng.random() < (0.2 if is_fraud else 0.8)
            moment = START + timedelta(minutes=i)
            cells = [f"{amount:.2f}", "yes" if present else "no", rng.random() < 0.3]
            writer.writerow([f"p-{i}", moment.isoformat(), *cells, int(is_fraud)])
    return path


OWN = {
    "label": "truth",
    "external_id": "Payment",
    "occurred_at": "When",
    "label_name": ["0=legitimate", "1=fraud"],
}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_own_rows_add_up_to_the_item(declaration: Path, payments: Path) -> None:
    output = StringIO()

    call_command(
        "prove",
        declaration=declaration,
        file=payments,
        stdout=output,
        stderr=StringIO(),
        **OWN,
    )

    table = dict(
        line.strip("| ").split(" | ", 1) for line in output.getvalue().splitlines()[2:]
    )
    assert table["rows to train the first model on"] == "400"
    assert table["accepted"] == "400"
    assert int(table["duplicates"]) == 10
    assert int(table["quarantined"]) == 14
    assert table["sums that hold"] == "29 of 29"
    shown = ("routed: the recommendation stands", "… second opinions", "… override")
    assert all(int(table[name]) > 0 for name in shown)
    workflow = Workflow.objects.get(slug="cards")
    second = ModelVersion.objects.get(workflow=workflow, number=2)
    assert second.stage == "shadow"
    assert second.snapshot_id is not None
    reviewers = Decision.objects.filter(workflow=workflow).values("reviewer").distinct()
    assert reviewers.count() >= 3
    assert (
        Case.objects.filter(workflow=workflow, kind="second", blind=False).count() == 0
    )


@pytest.mark.django_db(transaction=True)
def test_workflow_that_holds_items_is_refused(
    declaration: Path, payments: Path, workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, 1, now=now)

    with pytest.raises(CommandError, match="cards holds items: use an empty database"):
        call_command(
            "prove", declaration=declaration, file=payments, stderr=StringIO(), **OWN
        )


def test_data_set_that_is_not_there_fails_loudly(tmp_path: Path) -> None:
    said = StringIO()

    with pytest.raises(CommandError, match="NOT RUN: fraud_synccfd: no fraud_synccfd/"):
        call_command("prove", data=tmp_path, stdout=StringIO(), stderr=said)

    assert said.getvalue().count("NOT RUN") == len(DATA_SETS)


def test_data_set_that_is_not_there_may_be_allowed(tmp_path: Path) -> None:
    said = StringIO()

    call_command(
        "prove", data=tmp_path, allow_missing=True, stdout=StringIO(), stderr=said
    )

    assert said.getvalue().count("NOT RUN") == len(DATA_SETS)


def test_prove_needs_one_source_of_rows(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="either --data, or --declaration"):
        call_command("prove")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="COUNTERSIGN_PROOF_DATA names no folder of data")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [one.name for one in DATA_SETS])
def test_data_set_adds_up_to_the_item(name: str) -> None:
    output = StringIO()

    call_command("prove", data=DATA, only=[name], stdout=output, stderr=StringIO())

    assert "| sums that hold | 29 of 29 |" in output.getvalue()
