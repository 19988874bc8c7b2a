"""Train, register, promote, roll back and declare from the command line."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.labelled_rows import LabelledRows, joined_rows
from reviewqueue.models import Policy, Snapshot
from tests.factories.predictions import DECLARATION

pytestmark = pytest.mark.django_db
START = datetime(2025, 1, 1, tzinfo=UTC)


def said(command: str, /, *arguments: object, **options: object) -> str:
    output = StringIO()
    call_command(command, *map(str, arguments), stdout=output, **options)
    return output.getvalue().strip()


def write_rows(path: Path, n: int, *, opener: Callable[..., Any] = open) -> Path:
    """Write payments, half of them fraud, with three rows that nothing can use."""
    rng = np.random.default_rng(5)
    with opener(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "When", "Amount [€]", "card_present", "spare", "truth"])
        for i in range(n):
            is_fraud = int(rng.random() < 0.5)
            amount = round(rng.gamma(2.0, 300.0 if is_fraud else 60.0), 2)
            moment = (START + timedelta(minutes=i)).isoformat()
            writer.writerow([f"p-{i}", moment, amount, "yes", "x", is_fraud])
        writer.writerow(["bad-1", START.isoformat(), -1, "yes", "", 1])
        writer.writerow(["bad-2", "yesterday", 5, "yes", "", 0])
        writer.writerow(["open", START.isoformat(), 5, "yes", "", ""])
    return path


COLUMNS: dict[str, object] = {
    "label": "truth",
    "external_id": "id",
    "occurred_at": "When",
    "ignore": ["spare"],
    "label_name": ["0=legitimate", "1=fraud"],
}


def test_train_from_a_file_says_what_came_of_it(
    workflow: Workflow, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "payments.csv", 400)

    line = said("train", "cards", file=path, seed=3, **COLUMNS)

    version = ModelVersion.objects.get(workflow=workflow)
    test = version.report["test"]
    assert line == (
        "cards v1 (candidate): gradient boosting on 400 rows of payments.csv "
        "(2 refused, 1 without a label); train 240, calibrate 80, test 80; on the test "
        f"part (n = 80, {test['n_positive']} positive): ROC AUC {test['roc_auc']:.3f}, "
        f"average precision {test['average_precision']:.3f}"
    )
    assert test["roc_auc"] > 0.8
    assert (version.report["seed"], version.created_by) == (3, None)


def test_train_reads_gzip_and_promotes_with_a_reason(
    workflow: Workflow, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "payments.csv.gz", 400, opener=gzip.open)

    line = said(
        "train",
        "cards",
        file=path,
        algorithm="logistic",
        promote="first model",
        name="plain",
        **COLUMNS,
    )

    assert line.startswith("cards v1 (champion): plain on 400 rows")
    event = ModelEvent.objects.get(to_stage="champion")
    assert (event.reason, event.actor) == ("first model", None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--file or --snapshot is needed"),
        ({"file": "rows.csv"}, "--label is needed with --file"),
        ({"file": "rows.csv", **COLUMNS, "label": "fraud"}, "none is named 'fraud'"),
        ({"file": "none.csv", "label": "truth"}, "No such file or directory: none.csv"),
        ({"file": "rows.xlsx", "label": "truth"}, "format: xlsx"),
        ({"file": "rows.csv", **COLUMNS, "label_name": []}, "not declared: 0, 1"),
        ({"file": "rows.csv", **COLUMNS, "rename": ["a"]}, "--rename: a pair with ="),
        (
            {"file": "rows.csv", **COLUMNS},
            "Too few labels to train on: .* positives, 50 needed",
        ),
        (
            {"snapshot": "01a1fd1f-57ad-75f1-8eb4-bf74413d90ea"},
            "cards has no snapshot 01a1fd1f",
        ),
    ],
)
def test_train_refuses_and_registers_nothing(
    workflow: Workflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    message: str,
) -> None:
    write_rows(tmp_path / "rows.csv", 60)
    shutil.copy(tmp_path / "rows.csv", tmp_path / "rows.xlsx")
    monkeypatch.chdir(tmp_path)
    if "file" in options:
        options = {**options, "file": Path(str(options["file"]))}

    with pytest.raises(CommandError, match=message):
        said("train", "cards", **options)

    assert not ModelVersion.objects.exists()


def test_train_from_a_snapshot_that_is_not_ready_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    snapshot = Snapshot.objects.create(
        workflow=workflow, as_of=now, filters={}, created_at=now
    )

    with pytest.raises(CommandError, match="is queued, not ready"):
        said("train", "cards", snapshot=str(snapshot.pk))


def test_rows_of_several_sources_are_joined_with_their_weights(now: datetime) -> None:
    plain = LabelledRows([{"a": 1}, {"a": 2}], ["x", "y"], [now, now])
    weighted = LabelledRows([{"a": 3}], ["x"], [now], weights=[20.0])

    joined = joined_rows([plain, weighted])

    assert joined.labels == ["x", "y", "x"]
    assert joined.weights == [1.0, 1.0, 20.0]
    assert joined_rows([plain]) is plain


def test_register_takes_an_artifact_with_its_description(
    workflow: Workflow, champion: ModelVersion, tmp_path: Path
) -> None:
    artifact, description = exported(champion, tmp_path)

    line = said("register", "cards", artifact, description)

    version = ModelVersion.objects.get(number=2)
    assert line == f"cards v2 (candidate): sha256 {champion.sha256}"
    assert (version.columns, version.name) == (champion.columns, "from elsewhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": None}, "description: missing: columns"),
        ({"colums": []}, "description: unknown: colums"),
        ({"label_keys": ["fraud", "theft"]}, "label_keys: not_declared: theft"),
    ],
)
def test_register_names_what_is_wrong_with_the_description(
    workflow: Workflow,
    champion: ModelVersion,
    tmp_path: Path,
    change: dict[str, object],
    message: str,
) -> None:
    artifact, description = exported(champion, tmp_path)
    data = json.loads(description.read_text()) | change
    kept = {name: value for name, value in data.items() if value is not None}
    description.write_text(json.dumps(kept))

    with pytest.raises(CommandError, match=message):
        said("register", "cards", artifact, description)

    assert ModelVersion.objects.count() == 1


def test_register_refuses_a_pickle(
    workflow: Workflow, champion: ModelVersion, tmp_path: Path
) -> None:
    artifact, description = exported(champion, tmp_path)
    artifact.write_bytes(b"\x80\x04N.")

    with pytest.raises(CommandError, match="artifact: unfit: a pickle or joblib file"):
        said("register", "cards", artifact, description)


def test_promote_and_roll_back(workflow: Workflow, champion: ModelVersion) -> None:
    copy_of(champion, number=2)

    assert said("promote", "cards", 2, stage="shadow", reason="compare") == (
        "cards v2: candidate → shadow"
    )
    assert said("promote", "cards", 2, reason="better") == (
        "cards v2: shadow → champion"
    )
    assert said("rollback", "cards", reason="worse") == (
        "cards v1: champion, v2 retired"
    )
    stages = ModelVersion.objects.order_by("number").values_list("stage", flat=True)
    assert list(stages) == ["champion", "retired"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("promote", "cards", 9), r"cards has no version 9 \(there are: 1\)"),
        (("promote", "carts", 1), r"No workflow is named 'carts' \(there are: cards\)"),
        (("promote", "cards", 1), "stage: A champion version cannot become champion"),
        (("rollback", "cards"), "former_champion: No earlier champion"),
    ],
)
def test_moves_that_are_refused_say_why(
    champion: ModelVersion, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        said(str(arguments[0]), *arguments[1:], reason="because")


def test_declare_creates_changes_and_leaves_alone(tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_text(DECLARATION.format(slug="cards", name="Cards"))

    assert said("declare", path) == "cards version 1: created"
    assert said("declare", path) == "cards version 1: unchanged"
    path.write_text(DECLARATION.format(slug="cards", name="Payments"))
    assert said("declare", path).startswith("cards version 2: ")

    workflow = Workflow.objects.get(slug="cards")
    assert (workflow.name, workflow.version) == ("Payments", 2)
    assert Policy.objects.get(workflow=workflow).mode == "all"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('slug = "x"', r"(?s)bad\.toml:.*question: Field required"),
        ("slug = ", r"bad\.toml:"),
        (None, r"bad\.toml: No such file"),
    ],
)
def test_declare_names_what_is_wrong(
    tmp_path: Path, source: str | None, message: str
) -> None:
    path = tmp_path / "bad.toml"
    if source is not None:
        path.write_text(source)

    with pytest.raises(CommandError, match=message):
        said("declare", path)

    assert not Workflow.objects.exists()


def exported(version: ModelVersion, folder: Path) -> tuple[Path, Path]:
    """Write a version's file and its description, as if trained elsewhere."""
    artifact, description = folder / "model.skops", folder / "model.json"
    with version.artifact.open("rb") as file:
        artifact.write_bytes(file.read())
    data = {
        "columns": version.columns,
        "label_keys": version.label_keys,
        "calibration": version.calibration,
        "name": "from elsewhere",
    }
    description.write_text(json.dumps(data))
    return artifact, description


def copy_of(version: ModelVersion, *, number: int) -> None:
    now = timezone.now()
    ModelVersion.objects.create(
        workflow=version.workflow,
        number=number,
        artifact=version.artifact,
        sha256=version.sha256,
        columns=version.columns,
        label_keys=version.label_keys,
        threshold=version.threshold,
        created_at=now,
        stage_changed_at=now,
    )
