"""What was counted at each step, and the sums that must hold. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


def _count(title: str) -> Any:  # noqa: ANN401 -- a dataclass field stands for its value
    return field(default=0, metadata={"title": title})


@dataclass(slots=True)
class Counts:
    """Counts of one run, in the order of the path; each says what it counts."""

    rows_first: int = _count("rows to train the first model on")
    rows_live: int = _count("rows to score and review")
    rows_last: int = _count("rows to compare the versions on")
    n_broken: int = _count("broken rows planted")
    n_again: int = _count("rows sent twice")
    sent: int = _count("sent")
    accepted: int = _count("accepted")
    duplicates: int = _count("duplicates")
    quarantined: int = _count("quarantined")
    items: int = _count("items stored")
    quarantine_rows: int = _count("rows in quarantine")
    trained_first: int = _count("rows that version 1 was trained on")
    waiting: int = _count("items left unscored")
    scored: int = _count("scored by version 1")
    scored_second: int = _count("scored by version 2 too, as a shadow")
    scored_third: int = _count("scored by version 3 too, as a shadow")
    routed_auto: int = _count("routed: the recommendation stands")
    routed_review: int = _count("routed: to people")
    by_policy: int = _count("… by the policy's rule")
    by_audit: int = _count("… by the audit draw")
    by_failure: int = _count("… without a usable prediction")
    by_unlike: int = _count("… unlike what the model learnt from")
    cases: int = _count("cases")
    cases_first: int = _count("… first opinions")
    cases_second: int = _count("… second opinions")
    cases_adjudication: int = _count("… adjudications")
    cases_decided: int = _count("cases decided")
    cases_open: int = _count("cases open (of the last rows)")
    routed_review_last: int = _count("of the last rows, to people")
    requests: int = _count("requests to the API by reviewers")
    acknowledged: int = _count("decisions acknowledged with 201")
    repeated: int = _count("decisions sent twice with one key, same answer")
    decisions: int = _count("decisions stored")
    confirmed: int = _count("… confirm")
    overridden: int = _count("… override")
    unsure: int = _count("… can't tell")
    outcomes_sent: int = _count("outcomes sent")
    outcomes: int = _count("outcomes stored")
    outcomes_unreviewed: int = _count("outcomes of items no person saw")
    labels: int = _count("items with a label")
    labels_decision: int = _count("… from a decision")
    labels_adjudication: int = _count("… from an adjudication")
    labels_outcome: int = _count("… from an outcome")
    labels_right: int = _count("labels from people that are the truth of the file")
    snapshot_rows: int = _count("rows of the snapshot")
    file_rows: int = _count("rows read back from its CSV")
    trained_second: int = _count("rows that version 2 was trained on: the snapshot")
    trained_third: int = _count("rows that version 3 was trained on: both")


class Identity(NamedTuple):
    """A sum that must hold."""

    text: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right

    def __str__(self) -> str:
        return f"{self.text}: {self.left:,} {'=' if self.holds else '≠'} {self.right:,}"


def identities(c: Counts) -> list[Identity]:
    """Return every sum that must hold, whether it does or not."""
    return [*_intake(c), *_scoring(c), *_review(c), *_labels(c), *_training(c)]


def _intake(c: Counts) -> list[Identity]:
    return [
        Identity(
            "sent = live + last + broken + twice",
            c.sent,
            c.rows_live + c.rows_last + c.n_broken + c.n_again,
        ),
        Identity(
            "accepted + duplicates + quarantined = sent",
            c.accepted + c.duplicates + c.quarantined,
            c.sent,
        ),
        Identity("accepted = live + last", c.accepted, c.rows_live + c.rows_last),
        Identity("duplicates = rows sent twice", c.duplicates, c.n_again),
        Identity("quarantined = broken rows", c.quarantined, c.n_broken),
        Identity("items stored = accepted", c.items, c.accepted),
        Identity("rows in quarantine = quarantined", c.quarantine_rows, c.quarantined),
    ]


def _scoring(c: Counts) -> list[Identity]:
    return [
        Identity("version 1 trained on the first rows", c.trained_first, c.rows_first),
        Identity("nothing waits for a score", c.waiting, 0),
        Identity("scored = accepted", c.scored, c.accepted),
        Identity("scored by version 2 = last", c.scored_second, c.rows_last),
        Identity("scored by version 3 = last", c.scored_third, c.rows_last),
    ]


def _review(c: Counts) -> list[Identity]:
    return [
        Identity(
            "auto + review = accepted", c.routed_auto + c.routed_review, c.accepted
        ),
        Identity(
            "policy + audit + failure + unlike = review",
            c.by_policy + c.by_audit + c.by_failure + c.by_unlike,
            c.routed_review,
        ),
        Identity("first opinions = review", c.cases_first, c.routed_review),
        Identity(
            "first + second + adjudication = cases",
            c.cases_first + c.cases_second + c.cases_adjudication,
            c.cases,
        ),
        Identity("decided + open = cases", c.cases_decided + c.cases_open, c.cases),
        Identity(
            "open = those of the last rows to people",
            c.cases_open,
            c.routed_review_last,
        ),
        Identity("decisions stored = acknowledged", c.decisions, c.acknowledged),
        Identity("decisions stored = cases decided", c.decisions, c.cases_decided),
        Identity(
            "confirm + override + can't tell = decisions",
            c.confirmed + c.overridden + c.unsure,
            c.decisions,
        ),
    ]


def _labels(c: Counts) -> list[Identity]:
    return [
        Identity("outcomes stored = sent", c.outcomes, c.outcomes_sent),
        Identity(
            "labels = reviewed + outcomes of the rest",
            c.labels,
            c.routed_review - c.routed_review_last + c.outcomes_unreviewed,
        ),
        Identity(
            "decision + adjudication + outcome = labels",
            c.labels_decision + c.labels_adjudication + c.labels_outcome,
            c.labels,
        ),
        Identity(
            "labels from outcomes = outcomes stored", c.labels_outcome, c.outcomes
        ),
        Identity("rows of the snapshot = labels", c.snapshot_rows, c.labels),
        Identity(
            "rows of its CSV = rows of the snapshot", c.file_rows, c.snapshot_rows
        ),
    ]


def _training(c: Counts) -> list[Identity]:
    return [
        Identity(
            "version 2 trained on the rows of the snapshot",
            c.trained_second,
            c.snapshot_rows,
        ),
        Identity(
            "version 3 trained on the first rows and those of the snapshot",
            c.trained_third,
            c.rows_first + c.snapshot_rows,
        ),
    ]


class Comparison(NamedTuple):
    """How the versions do on the same last rows, against the truth of the file.

    Each tuple holds one figure for each version, in their order.
    """

    n: int
    n_positive: int
    roc_auc: tuple[float, ...]
    average_precision: tuple[float, ...]
    right: tuple[int, ...]  # recommended labels that are the true ones


@dataclass(slots=True)
class Run:
    """What came of one data set."""

    name: str
    slug: str
    counts: Counts
    comparison: Comparison | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # by step, in order

    @property
    def broken(self) -> list[Identity]:
        return [one for one in identities(self.counts) if not one.holds]


def table(runs: Sequence[Run]) -> str:
    """Return the counts as a Markdown table, a column for each run."""
    lines = [["", *(run.name for run in runs)], ["---", *("---:" for _ in runs)]]
    for one in fields(Counts):
        cells = [f"{getattr(run.counts, one.name):,}" for run in runs]
        lines.append([one.metadata["title"], *cells])
    lines.append(["sums that hold", *(_held(run) for run in runs)])
    lines += _comparisons(runs)
    lines += _durations(runs)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _durations(runs: Sequence[Run]) -> list[list[str]]:
    steps = list(dict.fromkeys(step for run in runs for step in run.seconds))
    lines = [
        [f"seconds to {step}", *(f"{run.seconds.get(step, 0):,.1f}" for run in runs)]
        for step in steps
    ]
    totals = (f"{sum(run.seconds.values()):,.1f}" for run in runs)
    return [*lines, ["seconds in all", *totals]]


def _held(run: Run) -> str:
    n = len(identities(run.counts))
    return f"{n - len(run.broken)} of {n}"


def _comparisons(runs: Sequence[Run]) -> list[list[str]]:
    def row(title: str, cells: Sequence[str]) -> list[str]:
        return [title, *cells]

    found = [run.comparison for run in runs]
    return [
        row(
            "compared on (of them positive)",
            [f"{one.n:,} ({one.n_positive:,})" if one else "-" for one in found],
        ),
        row("ROC AUC, version 1 → 2 → 3", [_pair(one, "roc_auc") for one in found]),
        row("… ± half of its 95 % interval", [_half_widths(one) for one in found]),
        row(
            "average precision, version 1 → 2 → 3",
            [_pair(one, "average_precision") for one in found],
        ),
        row(
            "right label, version 1 → 2 → 3",
            [
                " → ".join(f"{k / one.n:.1%}" for k in one.right) if one else "-"
                for one in found
            ],
        ),
    ]


def roc_auc_error(area: float, n_positive: int, n_negative: int) -> float:
    """Return the standard error of an area under the ROC curve, both counts > 0.

    Source: Hanley & McNeil 1982, eq. 2.
    """
    positive, negative = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area)
        + (n_positive - 1) * (positive - area**2)
        + (n_negative - 1) * (negative - area**2)
    ) / (n_positive * n_negative)
    return math.sqrt(max(variance, 0.0))


def _half_widths(one: Comparison | None) -> str:
    if one is None:
        return "-"
    n_negative = one.n - one.n_positive
    errors = (roc_auc_error(area, one.n_positive, n_negative) for area in one.roc_auc)
    return " → ".join(f"{1.96 * error:.3f}" for error in errors)


def _pair(comparison: Comparison | None, name: str) -> str:
    if comparison is None:
        return "-"
    return " → ".join(f"{value:.3f}" for value in getattr(comparison, name))
