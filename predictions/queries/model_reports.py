"""What came with a model version, in words: its report, calibration and columns.

A model may be registered by anybody's program, with a report of any shape: what is not
there, or not of its kind, is left out. Pure: JSON and a declaration in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from predictions.declaration import Declaration
from predictions.models import ModelVersion
from predictions.queries.report_values import (
    Estimate,
    Share,
    range_words,
    read_count,
    read_entries,
    read_estimate,
    read_mapping,
    read_moment,
    read_number,
    read_share,
    read_text,
)

SPLIT_PARTS = {
    "train": "Learned from",
    "calibrate": "Calibrated on",
    "test": "Reported on",
}
FIGURES = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "brier_uncalibrated": "Brier score before calibration",
    "ece": "Calibration error",
    "ece_uncalibrated": "Calibration error before calibration",
}


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How well one label is recommended."""

    name: str
    is_positive: bool
    n: int
    n_recommended: int
    precision: Share | None
    recall: Share | None


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """Counts by truth (rows) and recommendation (columns)."""

    recommended: list[str]
    rows: list[tuple[str, list[int]]]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """What was said and what was observed, for rows of one band of probability."""

    low: float
    high: float
    n: int
    said: float | None
    observed: Share | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """How far recommendations of labels in an order are from the truth."""

    kappa: Estimate | None
    under: Share | None
    over: Share | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Figures on rows that the model had not seen.

    `cost`: what its recommendations cost per row, by the matrix of that time.
    """

    n: int
    n_positive: int | None
    right: Share | None
    figures: list[tuple[str, float]]
    labels: list[LabelFigures]
    confusion: ConfusionTable | None
    reliability: list[ReliabilityBin]
    ordered: Ordered | None
    cost: Estimate | None

    @property
    def roc_auc(self) -> float | None:
        return dict(self.figures).get(FIGURES["roc_auc"])


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One part of the rows: how many, and from when to when."""

    name: str
    n: int
    n_positive: int | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Sensitive:
    """For which share of positives a threshold was set, by how many of them."""

    sensitivity: float
    n: int
    is_enough: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """How the model was made, as far as its report says."""

    algorithm: str
    seed: int | None
    data_sha256: str
    split_by: str
    parts: list[SplitPart]
    label_counts: list[tuple[str, int]]
    left_out: list[str]
    parameters: list[tuple[str, object]]
    versions: list[tuple[str, str]]
    sensitive: Sensitive | None


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """How the probability of one label is calibrated."""

    label: str
    method: str
    n: int
    n_true: int


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column that the model reads, with what the workflow declares of it."""

    name: str
    title: str
    kind: str
    unit: str
    range: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """All of a version that people read on its page."""

    labels: list[tuple[str, bool]]
    origin: Origin
    test: HeldOut | None
    curves: list[CurveFacts]
    columns: list[ColumnFacts]


def model_facts(version: ModelVersion, declaration: Declaration) -> ModelFacts:
    """Read what came with a version, with the names and units of its workflow."""
    report = read_mapping(version.report)
    positive = set(declaration.positive_labels)
    return ModelFacts(
        labels=[
            (declaration.label_name(key), key in positive)
            for key in sorted(version.label_keys, key=declaration.label_place)
        ],
        origin=_origin(report, declaration),
        test=_held_out(read_mapping(report.get("test")), declaration),
        curves=_curves(version, declaration),
        columns=[_column(column, declaration) for column in version.columns],
    )


def _places(keys: Sequence[str], declaration: Declaration) -> list[int]:
    return sorted(range(len(keys)), key=lambda at: declaration.label_place(keys[at]))


def _origin(report: Mapping[str, object], declaration: Declaration) -> Origin:
    split = read_mapping(report.get("split"))
    counts = read_mapping(report.get("label_counts")).items()
    return Origin(
        algorithm=read_text(report.get("algorithm")).replace("_", " "),
        seed=read_count(report.get("seed")),
        data_sha256=read_text(report.get("data_sha256")),
        split_by=read_text(split.get("by")),
        parts=[
            part
            for key, name in SPLIT_PARTS.items()
            if (part := _split_part(name, read_mapping(split.get(key))))
        ],
        label_counts=[
            (declaration.label_name(key), n)
            for key, value in counts
            if (n := read_count(value)) is not None
        ],
        left_out=[
            declaration.label_name(read_text(key))
            for key in read_entries(report.get("labels_left_out"))
        ],
        parameters=sorted(read_mapping(report.get("parameters")).items()),
        versions=[
            (name, read_text(value))
            for name, value in read_mapping(report.get("versions")).items()
        ],
        sensitive=_sensitive(read_mapping(report.get("sensitivity"))),
    )


def _sensitive(found: Mapping[str, object]) -> Sensitive | None:
    asked, n = read_number(found.get("sensitivity")), read_count(found.get("n"))
    if asked is None or n is None:
        return None
    return Sensitive(asked, n, is_enough=found.get("is_enough") is True)


def _split_part(name: str, part: Mapping[str, object]) -> SplitPart | None:
    n = read_count(part.get("n"))
    if n is None:
        return None
    return SplitPart(
        name=name,
        n=n,
        n_positive=read_count(part.get("n_positive")),
        start=read_moment(part.get("from")),
        end=read_moment(part.get("to")),
    )


def _held_out(test: Mapping[str, object], declaration: Declaration) -> HeldOut | None:
    n = read_count(test.get("n"))
    if n is None:
        return None
    return HeldOut(
        n=n,
        n_positive=read_count(test.get("n_positive")),
        right=read_share(test.get("right")),
        figures=[
            (words, value)
            for name, words in FIGURES.items()
            if (value := read_number(test.get(name))) is not None
        ],
        labels=list(_labels(test.get("labels"), declaration)),
        confusion=_confusion(test, declaration),
        reliability=list(_reliability(test.get("reliability"))),
        ordered=_ordered(read_mapping(test.get("ordered"))),
        cost=read_estimate(test.get("cost_per_row")),
    )


def _ordered(found: Mapping[str, object]) -> Ordered | None:
    read = Ordered(
        read_estimate(found.get("weighted_kappa")),
        read_share(found.get("under")),
        read_share(found.get("over")),
    )
    return read if read.under and read.over else None


def _labels(rows: object, declaration: Declaration) -> Iterator[LabelFigures]:
    found = [(read_text(row.get("label")), row) for row in _mappings(rows)]
    for key, row in sorted(found, key=lambda one: declaration.label_place(one[0])):
        n, n_recommended = (
            read_count(row.get("n")),
            read_count(row.get("n_recommended")),
        )
        if key and n is not None and n_recommended is not None:
            yield LabelFigures(
                name=declaration.label_name(key),
                is_positive=key in declaration.positive_labels,
                n=n,
                n_recommended=n_recommended,
                precision=read_share(row.get("precision")),
                recall=read_share(row.get("recall")),
            )


def _mappings(rows: object) -> list[Mapping[str, object]]:
    return [read_mapping(row) for row in read_entries(rows)]


def _confusion(
    test: Mapping[str, object], declaration: Declaration
) -> ConfusionTable | None:
    """Return the counts label by label, or, of older reports, of the two sides."""
    table = read_mapping(test.get("confusion"))
    truth, called = (
        [read_text(key) for key in read_entries(table.get(side))]
        for side in ("truth", "called")
    )
    counts = [
        [n for n in map(read_count, read_entries(row)) if n is not None]
        for row in read_entries(table.get("n"))
    ]
    if truth and [len(row) for row in counts] == [len(called)] * len(truth):
        return _named(truth, called, counts, declaration)
    return _two_sided(read_mapping(test.get("at_threshold")), declaration)


def _named(
    truth: Sequence[str],
    called: Sequence[str],
    counts: Sequence[Sequence[int]],
    declaration: Declaration,
) -> ConfusionTable:
    """Return a table in the order of the labels, where they have one."""
    rows, columns = _places(truth, declaration), _places(called, declaration)
    return ConfusionTable(
        [declaration.label_name(called[at]) for at in columns],
        [
            (declaration.label_name(truth[row]), [counts[row][at] for at in columns])
            for row in rows
        ],
    )


def _two_sided(
    counts: Mapping[str, object], declaration: Declaration
) -> ConfusionTable | None:
    order = ("true_positive", "false_negative", "false_positive", "true_negative")
    cells = [n for name in order if (n := read_count(counts.get(name))) is not None]
    if len(cells) != len(order):
        return None
    positive = [label.name for label in declaration.labels if label.positive]
    others = [label.name for label in declaration.labels if not label.positive]
    sides = [" or ".join(positive), " or ".join(others)]
    return ConfusionTable(sides, [(sides[0], cells[:2]), (sides[1], cells[2:])])


def _reliability(rows: object) -> Iterator[ReliabilityBin]:
    for row in map(read_mapping, read_entries(rows)):
        low, high, n = (
            read_number(row.get("low")),
            read_number(row.get("high")),
            read_count(row.get("n")),
        )
        if low is None or high is None or not n:
            continue
        said, observed = read_number(row.get("mean_probability")), row.get("observed")
        yield ReliabilityBin(low, high, n, said, read_share(observed))


def _curves(version: ModelVersion, declaration: Declaration) -> list[CurveFacts]:
    rows = [
        read_mapping(row)
        for row in read_entries(read_mapping(version.calibration).get("curves"))
    ]
    keys = version.label_keys
    # of two labels, the one curve is the second's
    keys = keys[1:] if len(keys) == 2 and len(rows) == 1 else keys
    return [
        CurveFacts(
            label=declaration.label_name(key),
            method=read_text(row.get("method")),
            n=read_count(row.get("n")) or 0,
            n_true=read_count(row.get("n_true")) or 0,
        )
        for key, row in zip(keys, rows, strict=False)
    ]


def _column(column: Mapping[str, object], declaration: Declaration) -> ColumnFacts:
    name = read_text(column.get("name"))
    feature = declaration.feature(name)
    return ColumnFacts(
        name=name,
        title=feature.label if feature else name,
        kind=feature.type if feature else read_text(column.get("kind")),
        unit=feature.unit if feature else "",
        range=range_words(feature.minimum, feature.maximum) if feature else "",
        values=[read_text(value) for value in read_entries(column.get("values"))],
    )
