"""The notes workflow that ships, a small model for it, and notes with known names."""

from datetime import datetime, timedelta
from functools import cache, partial

from predictions.declaration import parse_declaration
from predictions.enums import Stage
from predictions.learning.training import TrainedModel
from predictions.masking import masked_values
from predictions.models import ModelVersion, Workflow
from reviewqueue.demo.notes import draw_notes
from tests.factories.shipped import make_shipped, shipped_text
from tests.factories.trained import register, train_on

SLUG = "case-notes"
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


make_notes = partial(make_shipped, SLUG)


def note(number: int, *, now: datetime, text: str = NOTE) -> dict[str, object]:
    """Return one item as it is sent."""
    return {
        "external_id": f"note-{number}",
        "occurred_at": (now - timedelta(minutes=300 - number)).isoformat(),
        "features": {"note": text, "channel": "phone", "days_since": 2},
    }


@cache
def trained() -> TrainedModel:
    declaration = parse_declaration(shipped_text(SLUG))
    drawn = draw_notes(600, seed=5)
    rows = [
        masked_values(
            {"note": one.text, "channel": one.channel, "days_since": one.days},
            declaration,
        )
        for one in drawn
    ]
    return train_on(declaration, rows, [one.label for one in drawn])


def make_notes_champion(workflow: Workflow, *, now: datetime) -> ModelVersion:
    return register(workflow, trained(), now=now, stage=Stage.CHAMPION)
