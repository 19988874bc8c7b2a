"""What is known of items: as they were sent, and as their media were measured."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from predictions.declaration import Declaration
from predictions.models import Item, Measurement, Workflow

_WITH_MEASURED = """(i.features || COALESCE(
    (SELECT mm.values FROM predictions_measurement mm WHERE mm.item_id = i.id), '{}'))
"""
_READERS = """
SELECT mm.readers::text, count(*)
FROM predictions_measurement mm JOIN predictions_item i ON i.id = mm.item_id
WHERE i.workflow_id = %s AND mm.measured_at <= %s
GROUP BY 1
"""


def features_sql(declaration: Declaration) -> str:
    """Return SQL for what is known of item `i`: a look-up only where it is needed."""
    return _WITH_MEASURED if declaration.measured else "i.features"


def measurements_of(
    declaration: Declaration, item_ids: Collection[UUID]
) -> Mapping[UUID, Measurement]:
    """Return what was measured, by item; no query where nothing ever is.

    What people are shown of it, which is large, is not read with it.
    """
    if not declaration.measured or not item_ids:
        return {}
    return Measurement.objects.defer("evidence").in_bulk(list(item_ids))


def count_readers(
    workflow: Workflow, declaration: Declaration, *, as_of: datetime
) -> dict[str, int]:
    """Count the items of a workflow by slot and what measured it, until a moment."""
    if not declaration.measured:
        return {}
    counts: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_READERS, [workflow.pk, as_of])
        for readers, n in cursor.fetchall():
            for slot, reader in orjson.loads(readers).items():
                counts[f"{slot}: {reader['name']} {reader['version']}"] += n
    return dict(sorted(counts.items()))


def measurement_of(item: Item, declaration: Declaration) -> Measurement | None:
    """Return what was measured of an item's media, if anything was."""
    if not declaration.measured:
        return None
    return Measurement.objects.filter(item=item).first()


def known_features(item: Item, declaration: Declaration) -> Mapping[str, Any]:
    """Return all values of an item: those sent, and those measured."""
    found = measurement_of(item, declaration)
    return {**item.features, **found.values} if found else item.features
