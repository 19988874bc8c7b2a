"""Items of the demo workflows with their truth; seeded, the same at every start.

Cytology is scikit-learn's breast-cancer data (real). Cards, machines and the pictures
of parts are generated.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from sklearn.datasets import load_breast_cancer

from predictions.learning.pipelines import Algorithm
from reviewqueue.demo.parts import draw_parts

type Features = dict[str, object]
N_PARTS = 46
PAST_SEED = 20260101  # of the parts whose measures are kept
MEASURED_PARTS = Path(__file__).with_name("measured_parts.csv")


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in order of arrival: `history` trains the first model, `live` comes in."""

    slug: str
    prefix: str  # of external ids
    algorithm: Algorithm
    history: Sequence[tuple[Features, str]]
    live: Sequence[tuple[Features, str]]
    n_backlog: int  # the newest live rows that nobody has decided yet
    outcome_share: float  # of decided rows whose truth arrives later
    is_earned: bool = False  # people see less where the model has earned it
    files: Sequence[Mapping[str, bytes]] = ()  # of each live row, by slot
    fields: Sequence[Mapping[str, object]] = ()  # the truth of each live row's fields

    def external_id(self, place: int) -> str:
        """Name the live row at a place, counted from 0."""
        return f"{self.prefix}-{place + 1:05}"


def cytology(seed: int) -> Stream:
    """Split the 569 real samples: 300 to learn from, 269 to screen."""
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    order = np.random.default_rng(seed).permutation(len(data.target))
    rows: list[tuple[Features, str]] = [
        (
            {
                name: round(float(v), 6)
                for name, v in zip(names, data.data[i], strict=True)
            },
            "benign" if data.target[i] else "malignant",
        )
        for i in order
    ]
    return Stream(
        slug="cytology-screening",
        prefix="sample",
        algorithm="logistic",
        # every sample is read twice: fewer of them make as many decisions
        history=rows[:400],
        live=rows[400:],
        n_backlog=60,
        outcome_share=0.25,
    )


def cards(seed: int, *, n_history: int = 3000, n_live: int = 2600) -> Stream:
    """Generate card payments, about 4 % of them fraud in three patterns."""
    rng = np.random.default_rng(seed + 1)
    means = rng.gamma(2.0, 30.0, 400) + 5
    terminal_rates = rng.beta(0.4, 30.0, 300)
    rows = [_payment(rng, means, terminal_rates) for _ in range(n_history + n_live)]
    return Stream(
        slug="card-fraud",
        prefix="tx",
        algorithm="gradient_boosting",
        history=rows[:n_history],
        live=rows[n_history:],
        n_backlog=700,
        outcome_share=0.05,
    )


def _payment(
    rng: np.random.Generator, means: np.ndarray, terminal_rates: np.ndarray
) -> tuple[Features, str]:
    customer, terminal = int(rng.integers(400)), int(rng.integers(300))
    mean, rate = float(means[customer]), float(terminal_rates[terminal])
    hour = int(np.clip(rng.normal(14, 4.5), 0, 23))
    payments = int(rng.poisson(1.2))
    ratio = float(rng.lognormal(-0.1, 0.6))
    present = bool(rng.random() < 0.72)
    is_fraud = bool(rng.random() < 0.03 + 0.25 * rate)
    if is_fraud:
        ratio *= float(rng.lognormal(1.3, 0.8))
        payments += int(rng.poisson(3.0))
        present = bool(rng.random() < 0.25)
        if rng.random() < 0.5:
            hour = int(rng.integers(0, 6))
    features: Features = {
        "amount": round(max(mean * ratio, 0.5), 2),
        "card_present": "CP" if present else "CNP",
        "hour": hour,
        "weekday": int(rng.integers(7)),
        "customer_id": f"c-{customer:04}",
        "terminal_id": f"t-{terminal:04}",
        "customer_mean_30d": round(mean, 2),
        "customer_payments_24h": payments,
        "amount_to_mean": round(ratio, 3),
        "terminal_fraud_rate_30d": round(min(rate * 1.2, 1.0), 4),
        "days_since_last": round(float(rng.exponential(2.0)), 2),
    }
    return features, "fraud" if is_fraud else "legitimate"


def machines(seed: int, *, n_history: int = 3000, n_live: int = 760) -> Stream:
    """Generate readings of milling machines, about 6 % of them before a failure."""
    rng = np.random.default_rng(seed + 2)
    rows = [_reading(rng) for _ in range(n_history + n_live)]
    return Stream(
        slug="machine-readings",
        prefix="reading",
        algorithm="gradient_boosting",
        history=rows[:n_history],
        live=rows[n_history:],
        n_backlog=150,
        outcome_share=0.2,
        is_earned=True,
    )


def _reading(rng: np.random.Generator) -> tuple[Features, str]:
    product = str(rng.choice(["L", "M", "H"], p=[0.6, 0.3, 0.1]))
    air = float(rng.normal(300, 2))
    process = air + float(rng.normal(10, 1))
    speed = float(np.clip(rng.normal(1540, 180), 1170, 2880))
    torque = float(np.clip(rng.normal(40, 10), 4, 76))
    wear = float(rng.integers(0, 250))
    power = torque * speed * 2 * np.pi / 60
    hot = process - air < 8.6 and speed < 1450
    strained = wear * torque > {"L": 9500, "M": 10500, "H": 11500}[product]
    risk = 0.01 + 0.6 * hot + 0.7 * strained + 0.5 * (power < 3500 or power > 9000)
    failure = bool(rng.random() < min(risk, 0.95))
    features: Features = {
        "product_id": f"{product}{int(rng.integers(10_000, 60_000))}",
        "product_type": product,
        "air_temperature": round(air, 1),
        "process_temperature": round(process, 1),
        "rotational_speed": round(speed),
        "torque": round(torque, 1),
        "tool_wear": round(wear),
    }
    return features, "failure" if failure else "running"


def parts(seed: int) -> Stream:
    """Draw pictures of parts; of those of the past only the measures are kept."""
    rng = np.random.default_rng(seed + 3)
    drawn = draw_parts(N_PARTS, seed=seed + 3)
    live: list[tuple[Features, str]] = [
        (
            {"line": str(rng.choice(["A", "B", "C"])), "part_number": f"P-{i + 1:05}"},
            part.label,
        )
        for i, part in enumerate(drawn)
    ]
    return Stream(
        slug="surface-defects",
        prefix="part",
        algorithm="logistic",
        history=measured_parts(),
        live=live,
        n_backlog=16,
        outcome_share=0.2,
        files=[{"image": part.jpeg()} for part in drawn],
        fields=[{"defects": list(part.boxes)} if part.boxes else {} for part in drawn],
    )


def measured_parts() -> list[tuple[Features, str]]:
    """Return what `surface` measured of 200 drawn parts, and their labels.

    Kept in a file, since drawing and measuring them again takes seconds at every start;
    a test measures some again.
    """
    with MEASURED_PARTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row.pop("label") for row in rows]
    known = [{name: float(text) for name, text in row.items() if text} for row in rows]
    return [({**row}, label) for row, label in zip(known, labels, strict=True)]


# Where the items of a workflow come from, by key and name.
SITES: Mapping[str, Mapping[str, str]] = {
    "surface-defects": {"east": "East plant", "west": "West plant"},
}


def site_of(slug: str, external_id: str) -> str:
    """Return the key of the site that an item comes from, always the same; or none."""
    keys = sorted(SITES.get(slug, {}))
    return keys[crc32(external_id.encode()) % len(keys)] if keys else ""


# Those with the longest history first: two processes share them.
GENERATORS: dict[str, Callable[[int], Stream]] = {
    "machine-readings": machines,
    "card-fraud": cards,
    "cytology-screening": cytology,
    "surface-defects": parts,
}
WITH_FILES = ("surface-defects",)
