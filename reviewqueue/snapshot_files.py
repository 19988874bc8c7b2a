"""Snapshots as files: the columns, and Parquet written in bounded memory.

Pure: rows in, files out; no database, clock or settings.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from predictions.declaration import Declaration, Feature
from reviewqueue.snapshot_values import (
    arrow_type,
    field_cells,
    field_columns,
    fitting,
)

PREFIX = "f_"
ROW_GROUP = 10_000
_MOMENT = pa.timestamp("us", tz="UTC")
FIXED_BEFORE = [
    ("external_id", pa.string()),
    ("item_id", pa.string()),
    ("subject", pa.string()),
    ("occurred_at", _MOMENT),
    ("received_at", _MOMENT),
]
FIXED_AFTER = [
    ("label", pa.string()),
    ("label_source", pa.string()),
    ("label_version", pa.int32()),
    ("labelled_at", _MOMENT),
    ("verdict", pa.string()),
    ("reason_code", pa.string()),
    ("recommended_label", pa.string()),
    ("model_version", pa.int32()),
    ("score", pa.float64()),
    ("probability", pa.float64()),
    ("threshold", pa.float64()),
    ("route_kind", pa.string()),
    ("route_reason", pa.string()),
    ("review_probability", pa.float64()),
    ("policy_version", pa.int32()),
    ("blind", pa.bool_()),
    ("second_opinion", pa.bool_()),
    ("n_decisions", pa.int32()),
    ("reviewer", pa.string()),
    ("claimed_at", _MOMENT),
    ("opened_at", _MOMENT),
    ("decided_at", _MOMENT),
]
OTHER = "other_features"  # JSON: not declared, or not of the declared type
FEATURES_AT = len(FIXED_BEFORE)
FIELDS_AT = FEATURES_AT + 1 + len(FIXED_AFTER)
_MEDIA_AT = FIELDS_AT + 3  # there where the declaration has slots


@dataclass
class Tally:
    """What a datasheet counts while the rows pass by."""

    n_rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    reviewers: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    review_probabilities: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    corrected: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)  # rows with a file, by slot
    n_blind: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


def schema_of(declaration: Declaration) -> pa.Schema:
    """Return the columns: fixed ones, features, the rest, media, three per field."""
    features = [(PREFIX + f.name, arrow_type(f)) for f in declaration.all_features]
    media = [(name, pa.string()) for name in media_columns(declaration)]
    fields = [*FIXED_BEFORE, *features, (OTHER, pa.string()), *FIXED_AFTER, *media]
    named = [pa.field(name, kind) for name, kind in fields]
    return pa.schema([*named, *field_columns(declaration.fields)])


def media_columns(declaration: Declaration) -> list[str]:
    """Name the columns of images and sound: id and sha256 for each slot."""
    slots = [slot.name for slot in declaration.media]
    return [f"media_{slot}_{part}" for slot in slots for part in ("id", "sha256")]


def write_parquet(
    target: IO[bytes],
    rows: Iterable[Sequence[Sequence[Any]]],
    declaration: Declaration,
) -> Iterator[Tally]:
    """Write chunks of rows, yielding the tally after each; always the same bytes."""
    schema = schema_of(declaration)
    tally = Tally()
    with pq.ParquetWriter(target, schema, compression="zstd", version="2.6") as writer:
        for chunk in rows:
            columns = _columns(chunk, declaration, tally)
            writer.write_table(pa.table(columns, schema=schema))
            yield tally


def labelled_rows(source: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the rows as objects, features nested, for training."""
    for group in labelled_groups(source):
        yield from group


def labelled_groups(source: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows as `labelled_rows` does, a group of at most 10,000 at a time."""
    for table in row_groups(source):
        yield [_nested(row) for row in table.to_pylist()]


def row_groups(
    source: IO[bytes], columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Yield a file's row groups; unlike `iter_batches`, nothing is read ahead."""
    file = pq.ParquetFile(source)
    for number in range(file.num_row_groups):
        yield file.read_row_group(number, columns=columns)


def _columns(
    chunk: Sequence[Sequence[Any]], declaration: Declaration, tally: Tally
) -> list[list[Any]]:
    before = [_cells(chunk, index) for index in range(FEATURES_AT)]
    before[1] = [str(value) for value in before[1]]
    after = [_cells(chunk, index) for index in range(FEATURES_AT + 1, FIELDS_AT)]
    given = [orjson.loads(row[FEATURES_AT]) for row in chunk]
    features = [
        [_take(feature, one) for one in given] for feature in declaration.all_features
    ]
    other = [_as_text(one) if one else None for one in given]
    _count(tally, before, after, features, declaration)
    media: list[list[Any]] = []
    if declaration.media:
        media = _media([row[_MEDIA_AT] for row in chunk], declaration, tally)
    said = [tuple(row[FIELDS_AT:_MEDIA_AT]) for row in chunk]
    fields = field_cells(declaration.fields, said, tally.corrected)
    return [*before, *features, other, *after, *media, *fields]


def _media(
    written: list[str | None], declaration: Declaration, tally: Tally
) -> list[list[Any]]:
    """Return the columns of media, from `{slot: [id, sha256]}` of each row."""
    given = [orjson.loads(text) if text else {} for text in written]
    columns: list[list[Any]] = []
    for slot in declaration.media:
        pairs = [one.get(slot.name) or (None, None) for one in given]
        tally.media[slot.name] += sum(pk is not None for pk, _ in pairs)
        columns += [[pk for pk, _ in pairs], [digest for _, digest in pairs]]
    return columns


def _count(
    tally: Tally,
    before: list[list[Any]],
    after: list[list[Any]],
    features: list[list[Any]],
    declaration: Declaration,
) -> None:
    named = {name: after[i] for i, (name, _) in enumerate(FIXED_AFTER)}
    tally.n_rows += len(before[0])
    tally.labels.update(named["label"])
    tally.sources.update(named["label_source"])
    tally.reviewers.update(filter(None, named["reviewer"]))
    tally.models.update(f"v{n}" if n else "none" for n in named["model_version"])
    tally.policies.update(str(n) for n in named["policy_version"])
    tally.routes.update(named["route_reason"])
    for chance, n in Counter(named["review_probability"]).items():
        tally.review_probabilities[f"{chance:g}"] += n
    tally.n_blind += sum(bool(blind) for blind in named["blind"])
    for feature, values in zip(declaration.all_features, features, strict=True):
        tally.missing[feature.name] += sum(value is None for value in values)
    tally.first_at = min(filter(None, [*before[3], tally.first_at]))
    tally.last_at = max(filter(None, [*before[3], tally.last_at]))


def _cells(chunk: Sequence[Sequence[Any]], index: int) -> list[Any]:
    return [row[index] for row in chunk]


def _take(feature: Feature, given: dict[str, Any]) -> object:
    """Take a feature out of what was given; what does not fit its column stays."""
    value = given.get(feature.name)
    fits = None if value is None else fitting(feature, value)
    if value is None or fits is not None:
        given.pop(feature.name, None)
    return fits


def _as_text(features: dict[str, Any]) -> str:
    return orjson.dumps(features, option=orjson.OPT_SORT_KEYS).decode()


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    features = {
        name.removeprefix(PREFIX): row.pop(name)
        for name in list(row)
        if name.startswith(PREFIX)
    }
    if other := row.pop(OTHER, None):
        features |= orjson.loads(other)
    return {**row, "features": features}
