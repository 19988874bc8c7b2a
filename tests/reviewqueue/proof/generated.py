"""Files in the shapes of the four data sets, made up: for when they are not at hand.

The truth is mostly told by one column, so that a model has something to learn.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reviewqueue.proof.data_sets import MONTHS

FAULTS = ("Pastry", "Other_Faults", "K_Scatch", "Other_Faults")
type Raw = Mapping[str, object]


def write_data_sets(folder: Path, *, n: int, seed: int = 5) -> Path:
    """Write `n` rows of each set (of payments, `n` in each month)."""
    rng = np.random.default_rng(seed)
    for month, name in enumerate(MONTHS):
        rows = [_payment(rng, month * n + i, month, i / n) for i in range(n)]
        path = _made(folder / "fraud_synccfd" / name)
        pq.write_table(pa.Table.from_pylist(rows), path)
    _write_csv(
        folder / "triage_danish_ed" / "primary.csv", (_visit(rng, i) for i in range(n))
    )
    _write_csv(
        folder / "steel_plates_faults" / "faults.csv",
        (_plate(rng, i) for i in range(n)),
    )
    _write_csv(
        folder / "pdm_ai4i2020" / "ai4i2020.csv", (_reading(rng, i) for i in range(n))
    )
    return folder


def _payment(
    rng: np.random.Generator, number: int, month: int, share: float
) -> dict[str, object]:
    is_fraud = rng.random() < 0.3
    moment = datetime(2025, 1 + month, 1) + share * timedelta(days=28)  # noqa: DTZ001 -- as in the set
    return {
        "TRANSACTION_ID": number,
        "TX_DATETIME": moment,
        "CUSTOMER_ID": int(rng.integers(40)),
        "TERMINAL_ID": int(rng.integers(60)),
        "TX_AMOUNT": round(float(rng.gamma(2.0, 250.0 if is_fraud else 40.0)), 2),
        "TX_TYPE": "CNP" if rng.random() < 0.5 else "CP",
        "TX_FRAUD": int(is_fraud),
    }


def _visit(rng: np.random.Generator, number: int) -> Raw:
    died = rng.random() < 0.3
    some = {
        name: round(float(rng.uniform(5, 15)), 1)
        for name in (
            *("albumin", "creatinine", "haemoglobin", "potassium"),
            *("leucocytes", "ldh", "crp"),
        )
    }
    return {
        "visit_id": number,
        "triage": str(rng.choice(["green", "yellow", "red", ""])),
        "age": round(float(rng.normal(80 if died else 45, 9))),
        "sex": str(rng.choice(["female", "male"])),
        "spo2": round(float(rng.uniform(80 if died else 92, 99))),
        "resp_rate": 20,
        "heart_rate": 80,
        "systolic_bp": 120,
        "gcs": 15,
        "sodium": 138.5,
        **some,
        "died_30d": int(died),
    }


def _plate(rng: np.random.Generator, number: int) -> Raw:
    kind = int(rng.integers(len(FAULTS)))
    whole = (
        *("X_Minimum", "X_Maximum", "Y_Minimum", "Y_Maximum", "X_Perimeter"),
        *("Y_Perimeter", "Sum_of_Luminosity", "Minimum_of_Luminosity"),
        *("Maximum_of_Luminosity", "Length_of_Conveyer", "Steel_Plate_Thickness"),
    )
    shares = (
        *("Edges_Index", "Empty_Index", "Square_Index", "Outside_X_Index"),
        *("Edges_X_Index", "Edges_Y_Index", "Outside_Global_Index", "LogOfAreas"),
        *("Log_X_Index", "Log_Y_Index", "Orientation_Index", "Luminosity_Index"),
        "SigmoidOfAreas",
    )
    return {
        "plate_id": number,
        # They overlap, so that the policy sends most to people.
        "Pixels_Areas": abs(int(rng.normal(300 + 100 * kind, 80))),
        "TypeOfSteel_A300": number % 2,
        "TypeOfSteel_A400": 1 - number % 2,
        **{name: int(rng.integers(200)) for name in whole},
        **{name: round(float(rng.random()), 4) for name in shares},
        "fault": FAULTS[kind],
        "known_fault": int(FAULTS[kind] != "Other_Faults"),
    }


def _reading(rng: np.random.Generator, number: int) -> Raw:
    failed = rng.random() < 0.3
    return {
        "UDI": number + 1,
        "Product ID": f"M{number}",
        "Type": str(rng.choice(["L", "M", "H"])),
        "Air temperature [K]": 298.1,
        "Process temperature [K]": 308.6,
        "Rotational speed [rpm]": int(rng.integers(1200, 2000)),
        "Torque [Nm]": round(float(rng.normal(65 if failed else 35, 9)), 1),
        "Tool wear [min]": int(rng.integers(0, 250)),
        "Machine failure": int(failed),
        "failure_mode": "none",
    }


def _write_csv(path: Path, rows: Iterable[Raw]) -> None:
    listed = list(rows)
    with _made(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
