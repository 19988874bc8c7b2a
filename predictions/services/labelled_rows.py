"""Rows to learn from, wherever they come from: a file, a snapshot, several of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from predictions.declaration import Declaration


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows to learn from, all of the same length; weights are 1 / review probability.

    `occurred_at` orders them: the model is trained on the past and judged on what
    came after it.
    """

    features: Sequence[Mapping[str, object]]
    labels: Sequence[str]
    occurred_at: Sequence[datetime]
    weights: Sequence[float] | None = None
    snapshot_id: UUID | None = None


def split_group(
    declaration: Declaration, subject: str | None, occurred_at: datetime
) -> str | None:
    """Return what belongs on one side of a split: a subject; of a machine a day.

    Few machines send readings for long, and what one will do next is what is asked:
    windows that share readings lie within the same day, or next to it.
    """
    if not subject or declaration.series is None:
        return subject or None
    return f"{subject} {occurred_at.date()}"


def joined_rows(parts: Sequence[LabelledRows]) -> LabelledRows:
    """Put rows of several sources together; rows without weights weigh 1."""
    if len(parts) == 1:
        return parts[0]
    return LabelledRows(
        features=[one for part in parts for one in part.features],
        labels=[one for part in parts for one in part.labels],
        occurred_at=[one for part in parts for one in part.occurred_at],
        weights=[
            one for part in parts for one in part.weights or [1.0] * len(part.labels)
        ],
        snapshot_id=next(
            (part.snapshot_id for part in parts if part.snapshot_id is not None), None
        ),
    )
