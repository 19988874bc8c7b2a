"""The four data sets as rows in the order of time, in the words of their workflow."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reviewqueue.proof.payments import Floats, History, Payments, payment_history

FIRST_ARRIVAL = datetime(2025, 1, 1, tzinfo=UTC)
_NEW_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
MONTHS = ("transactions_2025-01.parquet", "transactions_2025-02.parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One item with its truth, which never goes in with it."""

    external_id: str
    occurred_at: datetime
    features: Mapping[str, object]
    label: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """Where rows come from, and which workflow they are for."""

    name: str  # of its folder
    slug: str
    files: tuple[str, ...]
    read: Callable[[Path, int], list[Row]]
    outcome_share: float  # of scored items whose truth arrives later

    def missing(self, data: Path) -> list[str]:
        """Return the files that are not there."""
        wanted = [f"{self.name}/{file}" for file in self.files]
        return [file for file in wanted if not (data / file).is_file()]


def read_payments(folder: Path, seed: int) -> list[Row]:
    """Read the second month; the first one is its past. The seed is not used."""
    first = pq.read_metadata(folder / MONTHS[0]).num_rows
    return read_months(
        folder, MONTHS, choose=lambda times: np.arange(len(times)) >= first
    )


def read_months(
    folder: Path,
    months: Sequence[str],
    *,
    choose: Callable[[Floats], NDArray[np.bool_]],
) -> list[Row]:
    """Read the payments that `choose` picks by the times [n], in seconds, of all.

    What a payment's history says rests on all payments before it, picked or not.
    """
    names = ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID"]
    names += ["TX_AMOUNT", "TX_TYPE", "TX_FRAUD"]
    table = pa.concat_tables(
        pq.read_table(folder / month, columns=names) for month in months
    )
    moments = table["TX_DATETIME"].cast(pa.timestamp("us")).to_numpy()
    payments = Payments(
        times=moments.astype("datetime64[us]").astype(np.int64) / 1e6,
        customers=table["CUSTOMER_ID"].to_numpy().astype(np.int64),
        terminals=table["TERMINAL_ID"].to_numpy().astype(np.int64),
        amounts=table["TX_AMOUNT"].to_numpy().astype(np.float64),
        is_fraud=table["TX_FRAUD"].to_numpy().astype(np.float64),
    )
    history = payment_history(payments)
    kinds = table["TX_TYPE"].to_pylist()
    ids = table["TRANSACTION_ID"].to_pylist()
    chosen = np.flatnonzero(choose(payments.times)).tolist()
    rows = (_payment(ids[i], kinds[i], payments, history, i) for i in chosen)
    return sorted(rows, key=lambda row: (row.occurred_at, row.external_id))


def _payment(
    number: int, kind: str, payments: Payments, history: History, i: int
) -> Row:
    moment = datetime.fromtimestamp(payments.times[i], UTC)
    features: dict[str, object] = {
        "amount": float(payments.amounts[i]),
        "card_present": kind,
        "hour": moment.hour,
        "weekday": moment.weekday(),
        "customer_id": f"c-{payments.customers[i]}",
        "terminal_id": f"t-{payments.terminals[i]}",
        "customer_mean_30d": _known(history.customer_mean_30d[i], 2),
        "customer_payments_24h": int(history.customer_payments_24h[i]),
        "amount_to_mean": _known(history.amount_to_mean[i], 4),
        "terminal_fraud_rate_30d": _known(history.terminal_fraud_rate_30d[i], 4),
        "days_since_last": _known(history.days_since_last[i], 4),
    }
    label = "fraud" if payments.is_fraud[i] else "legitimate"
    return Row(f"tx-{number}", moment, features, label)


def _known(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)


def read_visits(folder: Path, seed: int) -> list[Row]:
    """Read the emergency visits; they have no dates, so they arrive in random order."""
    vital = ("spo2", "resp_rate", "heart_rate", "systolic_bp", "gcs")
    blood = ("albumin", "creatinine", "haemoglobin", "potassium", "sodium")
    more = ("leucocytes", "ldh", "crp")
    names = ("age", "sex", "triage", *vital, *blood, *more)
    labels = {"0": "low_risk", "1": "high_risk"}
    return _arriving(
        [
            (f"visit-{raw['visit_id']}", _cells(raw, names), labels[raw["died_30d"]])
            for raw in _csv(folder / "primary.csv")
        ],
        seed=seed,
    )


def read_plates(folder: Path, seed: int) -> list[Row]:
    """Read the steel plates; the file is sorted by fault, so their order is random."""
    aside = {"plate_id", "fault", "known_fault"}
    return _arriving(
        [
            (
                f"plate-{raw['plate_id']}",
                {_snake(name): raw[name] or None for name in raw if name not in aside},
                raw["fault"].lower().replace("scatch", "scratch"),  # as it is spelt
            )
            for raw in _csv(folder / "faults.csv")
        ],
        seed=seed,
    )


def _snake(name: str) -> str:
    return _NEW_WORD.sub("_", name).lower()


def read_readings(folder: Path, seed: int) -> list[Row]:
    """Read the machine readings, in the order of the process."""
    columns = {
        "Product ID": "product_id",
        "Type": "product_type",
        "Air temperature [K]": "air_temperature",
        "Process temperature [K]": "process_temperature",
        "Rotational speed [rpm]": "rotational_speed",
        "Torque [Nm]": "torque",
        "Tool wear [min]": "tool_wear",
    }
    labels = {"0": "running", "1": "failure"}
    return _arriving(
        [
            (
                f"reading-{raw['UDI']}",
                {name: raw[column] or None for column, name in columns.items()},
                labels[raw["Machine failure"]],
            )
            for raw in _csv(folder / "ai4i2020.csv")
        ],
        seed=None,
    )


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _cells(raw: Mapping[str, str], names: Sequence[str]) -> dict[str, object]:
    return {name: raw[name] or None for name in names}


def _arriving(
    rows: Sequence[tuple[str, Mapping[str, object], str]], *, seed: int | None
) -> list[Row]:
    """Give rows without dates a moment each, in their order or in a random one."""
    order = np.arange(len(rows))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(rows))
    return [
        Row(rows[i][0], FIRST_ARRIVAL + step * timedelta(minutes=5), *rows[i][1:])
        for step, i in enumerate(order.tolist())
    ]


DATA_SETS = (
    DataSet("fraud_synccfd", "card-fraud", MONTHS, read_payments, 0.3),
    DataSet("triage_danish_ed", "ed-mortality", ("primary.csv",), read_visits, 0.3),
    DataSet("steel_plates_faults", "steel-plates", ("faults.csv",), read_plates, 0.3),
    DataSet("pdm_ai4i2020", "machine-readings", ("ai4i2020.csv",), read_readings, 0.3),
)
