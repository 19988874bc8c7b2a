"""The notes workflow that ships, a small model for it, and notes with known names."""

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from predictions.declaration import parse_declaration
from predictions.declaration_text import without_gates
from predictions.enums import Stage
from predictions.learning.artifacts import dump
from predictions.learning.features import columns_to_json, feature_matrix
from predictions.learning.training import TrainedModel, TrainingData, train
from predictions.masking import masked_values
from predictions.models import ModelVersion, Workflow
from predictions.services.columns import model_columns
from predictions.services.registry import (
    ModelDescription,
    change_stage,
    register_model,
)
from predictions.services.workflows import declare_workflow
from reviewqueue.demo.notes import draw_notes
from reviewqueue.services.policies import first_policy

FILE = Path(__file__).parents[2] / "workflows" / "case-notes.toml"
# Personal data of nobody; the last name is one that no finder knows.
PLANTED = {
    "person": "Anna Kovacs",
    "date_of_birth": "12/03/1961",
    "phone": "0161 496 0123",
    "email": "anna.kovacs@example.org",
    "address": "12 Mill Lane",
    "number_id": "123-45-6789",
}
MISSED = "wojtczak"
NOTE = (
    "Spoke to {person} (born {date_of_birth}): has had chest pain since he was sent"
    " home and the surgery does not answer; wojtczak drove. Tel. {phone}. Mail {email}."
    " Lives at {address}. SSN {number_id}."
).format(**PLANTED)


def notes_text() -> str:
    """Return the file that ships, up to its gates."""
    return without_gates(FILE.read_text(encoding="utf-8"))


def make_notes(*, now: datetime) -> Workflow:
    workflow, _ = declare_workflow(source_toml=notes_text(), by=None, now=now)
    first_policy(workflow=workflow, by=None, now=now)
    return workflow


def note(number: int, *, now: datetime, text: str = NOTE) -> dict[str, object]:
    """Return one item as it is sent."""
    return {
        "external_id": f"note-{number}",
        "occurred_at": (now - timedelta(minutes=300 - number)).isoformat(),
        "features": {"note": text, "channel": "phone", "days_since": 2},
    }


@lru_cache(maxsize=1)
def trained() -> tuple[TrainedModel, bytes]:
    """Train once per test process."""
    declaration = parse_declaration(notes_text())
    columns = model_columns(declaration)
    drawn = draw_notes(600, seed=5)
    rows = [
        masked_values(
            {"note": one.text, "channel": one.channel, "days_since": one.days},
            declaration,
        )
        for one in drawn
    ]
    data = TrainingData(
        matrix=feature_matrix(rows, columns),
        labels=[one.label for one in drawn],
        times=np.arange(len(drawn), dtype=float),
        columns=columns,
        label_keys=declaration.label_keys,
        positive_labels=declaration.positive_labels,
    )
    threshold = declaration.decision_threshold
    model = train(data, algorithm="logistic", seed=1, threshold=threshold)
    return model, dump(model.pipeline)


def make_notes_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    model, artifact = trained()
    version = register_model(
        workflow=workflow,
        artifact=artifact,
        description=ModelDescription(
            columns=columns_to_json(model.columns),
            label_keys=model.label_keys,
            calibration=model.calibration.to_json(),
            references=model.references,
            report=model.report,
            threshold=model.threshold,
        ),
        by=None,
        now=now,
        reference=model.reference,
    )
    return change_stage(
        version=version, to=Stage.CHAMPION, by=None, reason="test", now=now
    )
