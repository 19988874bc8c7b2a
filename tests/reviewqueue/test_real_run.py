"""The whole path: declare, train, ingest, score, review, export, train again."""

import csv
import os
import warnings
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from predictions.models import ModelVersion, Workflow
from reviewqueue.management.commands.prove import own_job
from reviewqueue.models import Case, Decision
from reviewqueue.proof.data_sets import DATA_SETS
from reviewqueue.proof.run import Job, Proof
from reviewqueue.proof.steps import ProofFailed
from tests.factories.predictions import DECLARATION, make_items
from tests.reviewqueue.proof.generated import write_data_sets

DATA = os.environ.get("COUNTERSIGN_PROOF_DATA", "")
SMALL = 600
START = datetime(2025, 1, 1, tzinfo=UTC)
OWN = {
    "label": "truth",
    "external_id": "Payment",
    "occurred_at": "When",
    "label_name": ["0=legitimate", "1=fraud"],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the folder of the data sets; generated ones, loudly, where it is not."""
    if DATA:
        return Path(DATA)
    warnings.warn(
        "COUNTERSIGN_PROOF_DATA names no folder: the real data sets were NOT run; "
        "generated rows in their shapes took the path instead",
        stacklevel=2,
    )
    return write_data_sets(tmp_path / "sets", n=SMALL)


def figures(output: str) -> dict[str, list[str]]:
    """Return the cells of each line of a Markdown table by the first."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in output.splitlines()
        if line.startswith("|")
    ]
    return {first: rest for first, *rest in lines}


@pytest.mark.slow
@pytest.mark.filterwarnings("always:COUNTERSIGN_PROOF_DATA")
@pytest.mark.django_db(transaction=True)
def test_every_count_adds_up_to_the_item(data: Path) -> None:
    output, said = StringIO(), StringIO()
    names = ["fraud_synccfd", "steel_plates_faults"]
    limit = 6000 if DATA else SMALL

    call_command(
        "prove", data=data, only=names, limit=limit, stdout=output, stderr=said
    )

    table = figures(output.getvalue())
    assert table[""] == names
    assert table["sums that hold"] == ["29 of 29", "29 of 29"]
    shown = ("routed: the recommendation stands", "… second opinions", "… override")
    assert all(any(cell != "0" for cell in table[name]) for name in shown)
    for workflow in Workflow.objects.all():
        second = ModelVersion.objects.get(workflow=workflow, number=2)
        assert second.stage == "shadow"
        assert second.snapshot_id is not None
        decisions = Decision.objects.filter(workflow=workflow)
        assert decisions.values("reviewer").distinct().count() >= 3
        assert Case.objects.filter(workflow=workflow, blind=True).exists()
        seconds = Case.objects.filter(workflow=workflow, kind="second")
        assert not seconds.filter(blind=False).exists()


@pytest.fixture
def declaration(tmp_path: Path) -> Path:
    path = tmp_path / "cards.toml"
    path.write_text(DECLARATION.format(slug="cards", name="Cards"))
    return path


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    """Write payments of the caller's own, the newest first."""
    path = tmp_path / "payments.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Payment", "When", "amount", "card_present", "night", "truth"])
        for i in (3, 2, 1):
            moment = (START + timedelta(minutes=i)).isoformat()
            writer.writerow([f"p-{i}", moment, f"{i}.5", "yes", "no", i % 2])
    return path


def test_own_rows_are_read_in_the_order_of_time(
    declaration: Path, payments: Path
) -> None:
    options = {"declaration": declaration, "file": payments, **OWN}

    job = own_job(options | {"in_order": False, "rename": [], "ignore": []})

    assert (job.name, job.slug) == ("payments", "cards")
    assert [row.external_id for row in job.rows] == ["p-1", "p-2", "p-3"]
    assert [row.label for row in job.rows] == ["fraud", "legitimate", "fraud"]
    assert job.rows[0].features["amount"] == 1.5


def test_workflow_that_holds_items_is_refused(
    tmp_path: Path, declaration: Path, workflow: Workflow, now: datetime
) -> None:
    make_items(workflow, 1, now=now)
    job = Job("own", declaration, "cards", rows=[], outcome_share=0.3)

    with pytest.raises(ProofFailed, match="cards holds items: use an empty database"):
        Proof(job, scratch=tmp_path, port=1, seed=1).declare()


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
