"""How fast items come in, beside a bare COPY of the same rows in the same run.

Peers: a COPY of ready-made rows into the item table itself (with its trigger, keys and
indexes), and into a twin with the same columns and indexes but neither trigger nor
foreign keys. All are timed in turn, several times over, on fresh rows each time.

Memory: the peak of `manage.py ingest` on a file, beside its peak on one chunk.
"""

import io
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
from django.db import connection, transaction
from psycopg import sql

from accounts.ids import uuid7_batch
from benchmarks.results import Result
from benchmarks.world import HISTORY, Raw, declare_payments, features
from predictions.enums import IntakeSource
from predictions.intake.readers import CHUNK_SIZE, read_ndjson
from predictions.models import Item, Workflow
from predictions.services.intake import store_items
from predictions.services.item_rows import ITEM_COLUMNS

N_ROUNDS = 5
TWIN = "benchmark_item_twin"
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)

TERMINAL = """
  { name = "terminal_rate", type = "number", minimum = 0, maximum = 1 },
  { name = "terminal", type = "text" },
"""


def run(n: int = 100_000) -> list[Result]:
    """Time intake of `n` items per round, from decoded JSON and from NDJSON bytes.

    Memory is taken with ten times as many.
    """
    workflow = _workflow()
    _make_twin()
    ways: dict[str, Callable[[str], float]] = {
        "items": lambda mark: _items(workflow, mark, n),
        "ndjson": lambda mark: _ndjson(workflow, mark, n),
        "table": lambda mark: _bare(workflow, mark, n, Item._meta.db_table),
        "twin": lambda mark: _bare(workflow, mark, n, TWIN),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(N_ROUNDS):
        for name, way in ways.items():
            seconds[name].append(way(f"{name}-{number}-{uuid4().hex[:6]}"))
    rates = {name: n / statistics.median(taken) for name, taken in seconds.items()}
    return [
        *_ratios(rates, n),
        _memory(workflow, 10 * n),
    ]


def _ratios(rates: dict[str, float], n: int) -> list[Result]:
    return [
        Result(
            name=f"intake of {ours} / bare COPY into the {peer}",
            n=n,
            ours=rates[ours],
            raw=rates[peer],
            ratio=rates[ours] / rates[peer],
            unit="items/s",
            aim="≥ 0.5 of the table",
        )
        for ours, peer in itertools.product(("items", "ndjson"), ("table", "twin"))
    ]


def _memory(workflow: Workflow, n: int) -> Result:
    many, few = (_peak_mib(workflow, rows) for rows in (n, CHUNK_SIZE))
    return Result(
        name="peak memory of ingesting NDJSON / of one chunk",
        n=n,
        ours=many,
        raw=few,
        ratio=many / few,
        unit="MiB",
        aim="about 1",
    )


def _peak_mib(workflow: Workflow, n: int) -> float:
    """Ingest a file of `n` items in a process of its own; return its peak in MiB."""
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        lines = (orjson.dumps(one) + b"\n" for one in _raw_items(uuid4().hex, n))
        file.writelines(lines)
        file.flush()
        words = [sys.executable, "manage.py", "ingest", workflow.slug, file.name]
        started = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603 -- ours
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 0
    return usage.ru_maxrss / 1024


def _items(workflow: Workflow, mark: str, n: int) -> float:
    raw = list(_raw_items(mark, n))
    chunks = (raw[i : i + CHUNK_SIZE] for i in range(0, n, CHUNK_SIZE))
    return _stored(workflow, chunks, n)


def _ndjson(workflow: Workflow, mark: str, n: int) -> float:
    body = b"".join(orjson.dumps(raw) + b"\n" for raw in _raw_items(mark, n))
    chunks = read_ndjson(io.BytesIO(body), max_bytes=len(body))
    return _stored(workflow, chunks, n)


def _stored(workflow: Workflow, chunks: Iterable[Sequence[object]], n: int) -> float:
    """Store `n` items that are all accepted; return the seconds it took."""
    started = time.perf_counter()
    result = store_items(
        workflow=workflow,
        chunks=chunks,
        source=IntakeSource.COMMAND,
        now=NOW,
        wake=False,
    )
    taken = time.perf_counter() - started
    assert result.accepted == n
    return taken


def _bare(workflow: Workflow, mark: str, n: int, table: str) -> float:
    """COPY ready-made text in one transaction, as `psql` would."""
    ids = uuid7_batch(n, int(NOW.timestamp() * 1000))
    rows = zip(ids, _raw_items(mark, n), strict=True)
    lines = [_line(workflow, item_id, raw) for item_id, raw in rows]
    blocks = ["".join(lines[i : i + 1000]) for i in range(0, n, 1000)]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, ITEM_COLUMNS))
    )
    started = time.perf_counter()
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for block in blocks:
            copy.write(block)
    return time.perf_counter() - started


def _line(workflow: Workflow, item_id: UUID, raw: Raw) -> str:
    features = orjson.dumps(raw["features"], option=orjson.OPT_SORT_KEYS).decode()
    cells = (
        item_id,
        workflow.pk,
        raw["external_id"],
        "",
        features,
        "[]",
        raw["occurred_at"],
        NOW.isoformat(),
        "\\\\x" + "ab" * 32,
        IntakeSource.COMMAND.value,
        1,
    )
    return "\t".join(map(str, cells)) + "\n"


def _raw_items(mark: str, n: int) -> Iterator[Raw]:
    for i in range(n):
        yield {
            "external_id": f"{mark}-{i:07}",
            "occurred_at": f"2026-01-14T{i % 24:02}:{i % 60:02}:{i % 59:02}+00:00",
            "features": {
                **features(i),
                "terminal_rate": (i % 100) / 1000,
                "terminal": f"t-{i % 5000:05}",
            },
        }


def _workflow() -> Workflow:
    slug = f"benchmark-{uuid4().hex[:8]}"
    return declare_payments(slug=slug, features=HISTORY + TERMINAL, now=NOW)


def _make_twin() -> None:
    names = {"twin": sql.Identifier(TWIN), "item": sql.Identifier(Item._meta.db_table)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {twin}").format(**names))
        cursor.execute(
            sql.SQL("CREATE TABLE {twin} (LIKE {item} INCLUDING ALL)").format(**names)
        )
