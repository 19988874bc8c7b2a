"""Five small months of payments in the shape of the set, made up, with known truth."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reviewqueue.replay.streams import FIVE_MONTHS


def write_months(folder: Path, *, n: int, seed: int = 5) -> Path:
    """Write `n` payments a month; the first month's are all in its second half."""
    rng = np.random.default_rng(seed)
    target = folder / "fraud_synccfd"
    target.mkdir(parents=True)
    for month, name in enumerate(FIVE_MONTHS, start=1):
        rows = _month(rng, month, n)
        pq.write_table(pa.Table.from_pylist(rows), target / name)
    return folder


def _month(rng: np.random.Generator, month: int, n: int) -> list[dict[str, object]]:
    begin = datetime(2025, month, 16 if month == 1 else 1, tzinfo=UTC)
    days = monthrange(2025, month)[1] - begin.day + 1
    amounts = rng.gamma(2.0, 200.0, n)
    is_typed = rng.random(n) < 0.5
    # Large ones without the card are fraud, all but 3 in 100.
    is_fraud = ((amounts > 400) & is_typed) ^ (rng.random(n) < 0.03)
    return [
        {
            "TRANSACTION_ID": month * n + i,
            "TX_DATETIME": (begin + i / n * timedelta(days=days)).replace(tzinfo=None),
            "CUSTOMER_ID": int(rng.integers(200)),
            "TERMINAL_ID": int(rng.integers(60)),
            "TX_AMOUNT": round(float(amounts[i]), 2),
            "TX_TYPE": "CNP" if is_typed[i] else "CP",
            "TX_FRAUD": int(is_fraud[i]),
        }
        for i in range(n)
    ]
