"""Measure the media of items before they are scored, in the process of the models."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from predictions.declaration_media import MediaSlot
from predictions.learning.failures import (
    ScoringFailed,
)
from predictions.learning.readers.terms import Reading
from predictions.models import ItemMedia, Measurement, MediaFile, Workflow
from predictions.services.artifacts import scorer
from predictions.services.copying import store_rows
from predictions.services.media_for_models import file_in_time
from predictions.services.scoring_items import ItemToScore, Region
from predictions.services.steps import step

# One transaction measures so many items at most.
MEASURED_BATCH = 16
# One file may take so long of the processor, and so long in all: what else the machine
# has to do makes no good picture a bad one.
FILE_CPU_SECONDS = 3.0
FILE_SECONDS = 12.0
BATCH_SECONDS = 60.0
_COLUMNS = ("item_id", "values", "evidence", "readers", "failure", "measured_at")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Measured:
    values: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    readers: dict[str, Any] = field(default_factory=dict)
    failure: str = ""


def measured_items(
    *, workflow: Workflow, items: Sequence[ItemToScore], now: datetime
) -> Sequence[ItemToScore]:
    """Measure what the workflow declares and return the items with their values.

    Writes one `Measurement` an item in the caller's transaction, which holds the items
    so that nobody else measures them. An item of which a file cannot be measured has
    the reason in `failure`; a slot without a file has no values. Never raises for what
    is in a file.
    """
    slots = {one.name: one for one in workflow.declaration.media if one.measure}
    if not slots or not items:
        return items
    deadline = time.monotonic() + BATCH_SECONDS
    files = _files([item.id for item in items], slots)
    found: dict[UUID, _Measured] = {}
    with step("measure", n_items=len(items)):
        for item in items:
            found[item.id] = _measure(files.get(item.id, {}), slots, deadline)
    _store(found, now=now)
    return [_with_measured(item, found[item.id], slots) for item in items]


def _files(
    item_ids: Sequence[UUID], slots: Mapping[str, MediaSlot]
) -> dict[UUID, dict[str, MediaFile]]:
    rows = ItemMedia.objects.filter(item_id__in=item_ids, slot__in=list(slots))
    found: dict[UUID, dict[str, MediaFile]] = {}
    for row in rows.select_related("media").order_by("item_id", "slot"):
        found.setdefault(row.item_id, {})[row.slot] = row.media
    return found


def _measure(
    files: Mapping[str, MediaFile], slots: Mapping[str, MediaSlot], deadline: float
) -> _Measured:
    measured = _Measured()
    for name, media in files.items():
        slot = slots[name]
        if slot.reader is None:
            continue
        measured.readers[name] = {
            "name": slot.reader.name,
            "version": slot.reader.version,
        }
        try:
            reading = read_file(slot.reader.name, media, deadline=deadline)
        except ScoringFailed as failure:
            measured.failure = failure.reason
            log.warning(
                "media_not_measured", media_id=str(media.pk), reason=failure.reason
            )
            continue
        measured.values |= {slot.column(k): v for k, v in reading.values.items()}
        measured.evidence[name] = reading.evidence
    return measured


def read_file(reader: str, media: MediaFile, *, deadline: float) -> Reading:
    """Have a reader measure a stored file. Raises: ScoringFailed."""
    data, left = file_in_time(media, deadline=deadline, at_most=FILE_SECONDS)
    return scorer().read(
        reader, data, cpu_seconds=FILE_CPU_SECONDS, timeout_seconds=left
    )


def _store(found: Mapping[UUID, _Measured], *, now: datetime) -> None:
    store_rows(
        Measurement,
        _COLUMNS,
        (
            (pk, *map(_json, (one.values, one.evidence, one.readers)), one.failure, now)
            for pk, one in found.items()
        ),
    )


def _json(part: Mapping[str, Any]) -> str:
    return orjson.dumps(part).decode()


def _with_measured(
    item: ItemToScore, one: _Measured, slots: Mapping[str, MediaSlot]
) -> ItemToScore:
    regions = {
        name: [_named(slots[name], region) for region in told.get("regions", ())]
        for name, told in one.evidence.items()
    }
    return replace(
        item,
        features={**item.features, **one.values},
        regions=regions,
        failure=one.failure,
    )


def _named(slot: MediaSlot, region: Mapping[str, Any]) -> Region:
    """Name the values of a region as features."""
    values = {slot.column(name): value for name, value in region["values"].items()}
    box = {name: region[name] for name in ("x", "y", "w", "h")}
    return Region(box, values)
