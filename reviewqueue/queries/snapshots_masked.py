"""Rows of snapshots with personal data masked, and which snapshots are masked."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db.models import QuerySet

from predictions.declaration import Declaration
from predictions.masking import Marks, masked_values, secrets_of
from reviewqueue.models import Snapshot
from reviewqueue.queries.personal import marks_of, masked_fields
from reviewqueue.snapshot_files import FEATURES_AT, FIELDS_AT

type Rows = list[tuple[Any, ...]]
ITEM_AT = 1


def masked_snapshots(rows: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
    """Leave out the snapshots in which personal data can be read."""
    return rows.exclude(filters__contains={"unmasked": True})


def masked_rows(
    chunks: Iterable[Rows], declaration: Declaration, *, as_of: datetime
) -> Iterator[Rows]:
    """Mask features and typed fields of `read_rows`, by what was marked at the moment.

    What was marked later does not exist here: the same moment gives the same bytes, as
    long as the declaration masks the same.
    """
    for chunk in chunks:
        if not declaration.masked:
            yield chunk
            continue
        marks = marks_of([row[ITEM_AT] for row in chunk], declaration, as_of=as_of)
        yield [_masked(row, declaration, marks.get(row[ITEM_AT])) for row in chunk]


def _masked(
    row: Sequence[Any], declaration: Declaration, marks: Marks | None
) -> tuple[Any, ...]:
    cells = list(row)
    features = orjson.loads(cells[FEATURES_AT])
    secrets = secrets_of(features, declaration, marks)
    hidden = masked_values(features, declaration, marks)
    cells[FEATURES_AT] = orjson.dumps(hidden).decode()
    for at in (FIELDS_AT, FIELDS_AT + 1):
        fields = orjson.loads(cells[at]) if cells[at] else None
        known = masked_fields(fields, declaration, secrets)
        cells[at] = orjson.dumps(known).decode() if known else cells[at]
    return tuple(cells)
