"""A snapshot's rows as a training job: nothing else is read."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from predictions.declaration import Declaration, declaration_from_json
from predictions.learning.features import Column, Matrix, feature_matrix, matrix_width
from predictions.learning.training_data import TrainingData
from predictions.models import WorkflowVersion
from predictions.services.columns import model_columns
from predictions.services.labelled_rows import split_group
from reviewqueue import snapshot_files
from reviewqueue.enums import LabelSource
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import row_weight

# Whoever looks at a problem is led from these to the item.
type ItemKey = tuple[str, str]
NEEDED: Final = (
    "item_id",
    "external_id",
    "subject",
    "occurred_at",
    "received_at",
    "decided_at",
    "label",
    "label_source",
    "reviewer",
    "route_kind",
    "review_probability",
)
BY_PEOPLE: Final = (LabelSource.DECISION, LabelSource.ADJUDICATION)


@dataclass(frozen=True, slots=True)
class SnapshotRows:
    """Rows in the order of their decisions.

    `items` [n] are item id and external id; `reviewers` [n] the pseudonyms of who gave
    the label, None where it came from outside. `n_left_out` rows have a label that is
    no longer declared.
    """

    data: TrainingData
    items: tuple[ItemKey, ...]
    reviewers: tuple[str | None, ...]
    n_left_out: int

    def counts(self) -> tuple[int, int]:
        """Return how many rows have a positive label, and how many another."""
        return sides(Counter(self.data.labels), self.data.positive_labels)


def sides(labels: Mapping[str, int], positive_labels: Sequence[str]) -> tuple[int, int]:
    """Return how many of the counted labels are positive, and how many are not."""
    n_positive = sum(n for key, n in labels.items() if key in positive_labels)
    return n_positive, sum(labels.values()) - n_positive


def declaration_of(snapshot: Snapshot) -> Declaration:
    """Return what the workflow declared at the moment of a ready snapshot.

    A later declaration must not change what comes of the same snapshot.
    """
    sheet: Mapping[str, Any] = snapshot.datasheet or {}
    found = WorkflowVersion.objects.get(
        workflow_id=snapshot.workflow_id, version=sheet["workflow_version"]
    )
    return declaration_from_json(found.declaration_json)


def read_rows(snapshot: Snapshot, *, on_group: Callable[[], None]) -> SnapshotRows:
    """Read a ready snapshot's file; `on_group` is called after every 10,000 rows.

    Rows are ordered by when they were decided: by people, or, where the label came from
    outside alone, when the item arrived and the model's word was all there was. Ties
    keep the order in which things happened.
    """
    declaration = declaration_of(snapshot)
    columns = model_columns(declaration)
    kept: list[dict[str, Any]] = []
    parts = [np.empty((0, matrix_width(columns)))]
    n_rows = 0
    with snapshot.file.open("rb") as source:
        for group in snapshot_files.labelled_groups(source):
            n_rows += len(group)
            rows = [row for row in group if row["label"] in declaration.label_keys]
            parts.append(feature_matrix([row["features"] for row in rows], columns))
            kept += [{name: row[name] for name in NEEDED} for row in rows]
            on_group()
    order = sorted(range(len(kept)), key=lambda index: moment_of(kept[index]))
    matrix = np.concatenate(parts)[np.array(order, dtype=np.intp)]
    ordered = [kept[index] for index in order]
    return SnapshotRows(
        data=_training_data(matrix, ordered, declaration, columns),
        items=tuple((row["item_id"], row["external_id"]) for row in ordered),
        reviewers=tuple(_reviewer(row) for row in ordered),
        n_left_out=n_rows - len(kept),
    )


def _training_data(
    matrix: Matrix,
    rows: Sequence[Mapping[str, Any]],
    declaration: Declaration,
    columns: tuple[Column, ...],
) -> TrainingData:
    return TrainingData(
        matrix=matrix,
        labels=[row["label"] for row in rows],
        times=np.array([decided_at(row).timestamp() for row in rows], dtype=np.float64),
        columns=columns,
        label_keys=declaration.label_keys,
        positive_labels=declaration.positive_labels,
        weights=np.array([row_weight(row) for row in rows], dtype=np.float64),
        subjects=[
            split_group(declaration, row["subject"], row["occurred_at"]) for row in rows
        ]
        if declaration.subject
        else None,
        terms=declaration.label_terms,
    )


def moment_of(row: Mapping[str, Any]) -> tuple[datetime, datetime, str]:
    """Return what rows are ordered by: their decision, then as things happened."""
    return decided_at(row), row["occurred_at"], row["item_id"]


def decided_at(row: Mapping[str, Any]) -> datetime:
    """Return when a row was decided: by people, else when the item arrived."""
    moment: datetime = row["decided_at"] or row["received_at"]
    return moment


def _reviewer(row: Mapping[str, Any]) -> str | None:
    name: str | None = row["reviewer"]
    return name if row["label_source"] in BY_PEOPLE else None
