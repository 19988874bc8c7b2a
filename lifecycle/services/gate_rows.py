"""The labelled rows that a version is judged on: those that nobody learnt from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lifecycle.services.training_data import decided_at, moment_of
from predictions.learning.splits import Split, split_by_time
from predictions.models import ModelVersion
from predictions.services.labelled_rows import split_group
from reviewqueue import snapshot_files
from reviewqueue.enums import SnapshotStatus
from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import row_weight

LEARNT: Final = ("train", "calibrate")
CLOSE_SECONDS: Final = 1e-3

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GateRows:
    """Rows of a snapshot, all parts [n]; times in seconds since 1970 UTC.

    `weights` are 1 / review probability.
    """

    features: list[Mapping[str, object]]
    labels: NDArray[np.str_]
    items: NDArray[np.str_]
    subjects: list[str | None]
    occurred: Floats
    decided: Floats
    weights: Floats

    @property
    def n(self) -> int:
        return self.labels.size

    def of(self, rows: Flags) -> "GateRows":
        """Return some of the rows."""
        at = np.flatnonzero(rows)
        return GateRows(
            [self.features[i] for i in at],
            self.labels[at],
            self.items[at],
            [self.subjects[i] for i in at],
            self.occurred[at],
            self.decided[at],
            self.weights[at],
        )


@dataclass(frozen=True, slots=True)
class Unseen:
    """Which rows [n] a version cannot have learnt from, and why that is so."""

    rows: Flags
    says: str


def read_rows(snapshot: Snapshot | None) -> GateRows:
    """Return the rows of a ready snapshot in training's order; none have no rows."""
    rows: list[dict[str, Any]] = []
    if snapshot is not None:
        with snapshot.file.open("rb") as source:
            rows = sorted(snapshot_files.labelled_rows(source), key=moment_of)
    return GateRows(
        features=[row["features"] for row in rows],
        labels=np.array([row["label"] for row in rows], dtype=np.str_),
        items=np.array([row["external_id"] for row in rows], dtype=np.str_),
        subjects=_groups(snapshot, rows),
        occurred=_seconds(row["occurred_at"] for row in rows),
        decided=_seconds(decided_at(row) for row in rows),
        weights=np.array([row_weight(row) for row in rows], dtype=np.float64),
    )


def _groups(
    snapshot: Snapshot | None, rows: Sequence[Mapping[str, Any]]
) -> list[str | None]:
    """Return what training keeps on one side of its split."""
    if snapshot is None:
        return []
    terms = snapshot.workflow.declaration
    return [split_group(terms, row["subject"], row["occurred_at"]) for row in rows]


def unseen(version: ModelVersion, rows: GateRows, snapshot: Snapshot | None) -> Unseen:
    """Find the rows that the version cannot have learnt from.

    Where it was trained from a snapshot, its split is made again and must be as its
    report says: rows of the parts that it learnt from and rows older than its test part
    are left out. Else what its report says is believed: rows that occurred after the
    last one it learnt from. Else those that occurred after it was registered.
    """
    if (own := _own_split(version, rows, snapshot)) is not None:
        return own
    name = version.short_name
    if (last := _last_learnt(version)) is not None:
        says = f"{name}: rows after {_day(last)}, up to which its report says it learnt"
        return Unseen(rows.occurred > last, says)
    registered = version.created_at.timestamp()
    says = (
        f"{name}: rows after {_day(registered)}, when it was registered: its report"
        " does not say up to when it learnt"
    )
    return Unseen(rows.occurred > registered, says)


def _own_split(
    version: ModelVersion, rows: GateRows, snapshot: Snapshot | None
) -> Unseen | None:
    own = rows
    keys = version.workflow.declaration.label_keys
    if snapshot is None or version.snapshot_id != snapshot.pk:
        found = _snapshot_of(version)
        if found is None:
            return None
        own = read_rows(found)
        own = own.of(np.isin(own.labels, keys))
    for name in ("decided", "occurred"):
        times: Floats = getattr(own, name)
        for subjects in (own.subjects, None):
            split = split_by_time(times, subjects)
            if own.n and _is_as_reported(split, times, version.report):
                return _after(version, own, split, rows, name)
    return None


def _snapshot_of(version: ModelVersion) -> Snapshot | None:
    if version.snapshot_id is None:
        return None
    ready = Snapshot.objects.filter(status=SnapshotStatus.READY)
    return ready.filter(pk=version.snapshot_id).first()


def _after(
    version: ModelVersion, own: GateRows, split: Split, rows: GateRows, time: str
) -> Unseen:
    learnt = np.concatenate([split.train, split.calibrate])
    first = getattr(own, time)[split.test].min()
    is_later = getattr(rows, time) >= first
    is_new = ~np.isin(rows.items, own.items[learnt])
    says = (
        f"{version.short_name}: rows that are not among the {learnt.size:,} of its"
        " snapshot that it learnt from, and not older than its test part"
    )
    return Unseen(is_later & is_new, says)


def _is_as_reported(split: Split, times: Floats, report: Mapping[str, Any]) -> bool:
    told = report.get("split")
    if not isinstance(told, Mapping):
        return False
    for name, rows in split.parts().items():
        part = told.get(name)
        if not isinstance(part, Mapping) or part.get("n") != rows.size or not rows.size:
            return False
        ends = {"from": float(times[rows].min()), "to": float(times[rows].max())}
        for key, value in ends.items():
            said = _moment(part.get(key))
            if said is None or abs(said - value) > CLOSE_SECONDS:
                return False
    return True


def _last_learnt(version: ModelVersion) -> float | None:
    split = version.report.get("split")
    if not isinstance(split, Mapping):
        return None
    parts = [split.get(name) for name in LEARNT]
    ends = [_moment(one.get("to")) for one in parts if isinstance(one, Mapping)]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(LEARNT) else None


def _moment(text: object) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _seconds(moments: Iterator[datetime]) -> Floats:
    return np.array([moment.timestamp() for moment in moments], dtype=np.float64)
