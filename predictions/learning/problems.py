"""Find what is wrong with training data before a model learns it, with the rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from predictions.learning.features import feature_value
from predictions.learning.repeats import (
    ReviewerConflicts,
    conflicts,
    joined,
    n_kinds,
    numbered,
    pairs_of,
    same_features,
)
from predictions.learning.splits import Split, split_by_time
from predictions.learning.training import TrainingData

NEARLY: Final = 0.99
LEAK_AUC: Final = 0.95
ALPHA: Final = 0.01
N_PERMUTATIONS: Final = 199
MAX_ROWS: Final = 20_000
MAX_LISTED: Final = 50
TREE_DEPTH: Final = 3
MIN_LEAF: Final = 5
MIN_PER_SIDE: Final = 5
MAX_IMPURITY: Final = 0.01
MAX_OF_EXPECTED: Final = 0.1
OLDEST_AND_NEWEST: Final = (0.6, 0.0, 0.4)
MISSING_SCORE: Final = -1.0  # below every share of positives

type Flags = NDArray[np.bool_]
type Floats = NDArray[np.float64]
type Indexes = NDArray[np.intp]
type Kind = Literal[
    "missing",
    "constant",
    "duplicate",
    "conflict",
    "leak",
    "known_by_label",
    "new_category",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in words in `says`.

    `n` rows of `n_looked_at` are concerned. `measure` is their share; of a leak, the
    held-out AUC; of `known_by_label`, the share of those `n` with that label. `rows`
    are indexes of at most 50 rows to look at: of those concerned, the first; of a
    column missing but for a few and of `known_by_label`, the exceptions. `values` are
    feature values. `p_value` is corrected for the number of columns, None where
    nothing is tested.
    """

    kind: Kind
    column: str | None
    says: str
    n: int
    n_looked_at: int
    measure: float
    rows: tuple[int, ...] = ()
    values: tuple[str | float | bool | None, ...] = ()
    p_value: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return the problem as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Problems:
    """All that was found; `reviewers` by name, empty when they are not known."""

    found: tuple[Problem, ...]
    reviewers: tuple[ReviewerConflicts, ...]


def find_problems(
    data: TrainingData,
    *,
    seed: int,
    reviewers: Sequence[str | None] | None = None,
    items: Sequence[str] | None = None,
    max_rows: int = MAX_ROWS,
) -> Problems:
    """Look for problems in training data.

    `reviewers` [n] gave the labels; `items` [n] are what they were given to, for data
    that holds an item more than once. Leaks are looked for in `max_rows` rows drawn
    with `seed`, all else in all rows: time grows with the rows and one sort of them. No
    rows have no problems. Raises: ValueError for parts of unequal length.
    Source: own; see the functions that look for each.
    """
    n = len(data.labels)
    for name, part in {"reviewers": reviewers, "items": items}.items():
        if part is not None and len(part) != n:
            raise ValueError(f"{name}: {len(part)} for {n} rows")
    if n == 0:
        return Problems((), ())
    groups = same_features(data.matrix)
    if items is not None:
        groups = joined(groups, numbered(items))
    found = [
        *empty_columns(data),
        *repeated_rows(groups, data.labels),
        *leaking_columns(data, seed=seed, max_rows=max_rows),
        *columns_known_by_label(data),
        *new_categories(data),
    ]
    by_reviewer = () if reviewers is None else conflicts(groups, data.labels, reviewers)
    return Problems(tuple(found), by_reviewer)


def empty_columns(data: TrainingData) -> list[Problem]:
    """Name columns with one value throughout, and those missing in 99 % or more."""
    found: list[Problem] = []
    n = len(data.labels)
    for index, column in enumerate(data.columns):
        name, cells = column.name, data.matrix[:, index]
        known = np.flatnonzero(~np.isnan(cells))
        n_missing = n - known.size
        if n_missing >= NEARLY * n:
            but = f"in all but {known.size} of {n} rows" if known.size else "throughout"
            says, rows = f"{name} is missing {but}.", _listed(known)
            found.append(
                Problem("missing", name, says, n_missing, n, n_missing / n, rows)
            )
        elif column.kind != "text" and n_missing == 0 and cells.min() == cells.max():
            value = feature_value(column, float(cells[0]))
            says = f"{name} is {value} throughout."
            found.append(Problem("constant", name, says, n, n, 1.0, (), (value,)))
    return found


def repeated_rows(groups: Indexes, labels: Sequence[str]) -> list[Problem]:
    """Name rows that repeat an earlier one, and those that contradict another.

    `groups` [n] as of `same_features`; of rows with one label, all but the first
    repeat.
    """
    n, codes = groups.size, numbered(labels)
    is_repeat = np.ones(n, dtype=np.bool_)
    is_repeat[np.unique(pairs_of(groups, codes), return_index=True)[1]] = False
    repeats = np.flatnonzero(is_repeat)
    contrary = np.flatnonzero(n_kinds(groups, codes) > 1)
    found = []
    if repeats.size:
        says = f"{repeats.size} of {n} rows repeat an earlier row and its label."
        share, rows = repeats.size / n, _listed(repeats)
        found.append(Problem("duplicate", None, says, repeats.size, n, share, rows))
    if contrary.size:
        says = f"{contrary.size} of {n} rows equal another row with another label."
        share, rows = contrary.size / n, _listed(contrary)
        found.append(Problem("conflict", None, says, contrary.size, n, share, rows))
    return found


def leaking_columns(
    data: TrainingData,
    *,
    seed: int,
    max_rows: int = MAX_ROWS,
    min_auc: float = LEAK_AUC,
    alpha: float = ALPHA,
) -> list[Problem]:
    """Name columns that alone tell positive labels from others almost perfectly.

    The measure is the AUC, on the newest 40 % of the rows (subjects on one side), of a
    decision tree of depth 3 on that column alone, fitted on the oldest 60 %; a category
    is read as the share of positives among its older rows, what is missing as a value
    of its own. A column is named when its AUC is at least `min_auc`, and as high as the
    highest of all columns is with a chance of at most `alpha` where none of them knows
    anything of the label: by 199 permutations of the newer labels with `seed`, over all
    columns together. With fewer than 5 positives or others on a side none is named.
    Source: own; the null over all columns is maxT, Westfall and Young 1993.
    """
    rows = _sampled(len(data.labels), max_rows, seed)
    subjects = None if data.subjects is None else [data.subjects[i] for i in rows]
    split = split_by_time(data.times[rows], subjects, shares=OLDEST_AND_NEWEST)
    old, new, truth = rows[split.train], rows[split.test], _truth(data)
    if not data.columns or min(_rarer(truth[old]), _rarer(truth[new])) < MIN_PER_SIDE:
        return []
    scores = _column_scores(data, truth, old, new)
    aucs, p_values = _tested(scores, truth[new], seed)
    positives, found = new[truth[new]], []
    for index in np.flatnonzero((aucs >= min_auc) & (p_values <= alpha)):
        name, auc = data.columns[index].name, float(aucs[index])
        says = (
            f"{name} alone predicts the label almost perfectly: AUC {auc:.3f} on"
            f" {new.size} later rows. Is it known when the decision is made?"
        )
        top = positives[np.argsort(-scores[truth[new], index], kind="stable")]
        p_value, shown = float(p_values[index]), tuple(top[:MAX_LISTED].tolist())
        found.append(
            Problem("leak", name, says, top.size, new.size, auc, shown, (), p_value)
        )
    return found


def columns_known_by_label(
    data: TrainingData, *, alpha: float = ALPHA
) -> list[Problem]:
    """Name columns that are known, or missing, where the label is of one kind only.

    Such a column was often filled in after the decision. One is named when at most 1 %
    of the rows in which it is known (or missing) are of the other kind, at most a tenth
    of what is expected from all rows, and a draw without regard to the label gives so
    few with a chance of at most `alpha`, shared evenly over all such tests
    (Bonferroni).
    Source: the hypergeometric distribution (Fisher's exact test, one-sided).
    """
    truth, found = _truth(data), []
    n_tests = 4 * max(len(data.columns), 1)
    for index, column in enumerate(data.columns):
        is_missing = np.isnan(data.matrix[:, index])
        for state, inside in (("known", ~is_missing), ("missing", is_missing)):
            for kind, other in (("with", ~truth), ("without", truth)):
                p_value = _chance_of_so_few(inside, other) * n_tests
                if p_value <= alpha:
                    odd, what = inside & other, (column.name, state, kind)
                    found.append(_known_by_label(what, inside, odd, p_value))
    return found


def _known_by_label(
    what: tuple[str, str, str], inside: Flags, is_odd: Flags, p_value: float
) -> Problem:
    name, state, kind = what
    n, odd = int(inside.sum()), np.flatnonzero(is_odd)
    which = f"all but {odd.size} of them" if odd.size else "all of them"
    says = f"{name} is {state} in {n} rows, {which} {kind} a positive label."
    share, shown, about = (n - odd.size) / n, _listed(odd), (state, kind)
    return Problem(
        "known_by_label", name, says, n, inside.size, share, shown, about, p_value
    )


def new_categories(data: TrainingData) -> list[Problem]:
    """Name categories and booleans with values that only the newest rows have.

    The newest 40 % of the rows against the oldest 60 %, subjects on one side.
    """
    split = split_by_time(data.times, data.subjects, shares=OLDEST_AND_NEWEST)
    columns = [index for index, c in enumerate(data.columns) if not c.is_number]
    found = (_new_values(data, index, split) for index in columns)
    return [problem for problem in found if problem is not None]


def _new_values(data: TrainingData, index: int, split: Split) -> Problem | None:
    column, cells = data.columns[index], data.matrix[:, index]
    is_new = ~np.isnan(cells) & ~np.isin(cells, cells[split.train])
    rows = np.sort(split.test[is_new[split.test]])
    if rows.size == 0:
        return None
    values = tuple(feature_value(column, code) for code in np.unique(cells[rows]))
    n, named = split.test.size, ", ".join(str(value) for value in values)
    says = (
        f"{column.name}: {named} in {rows.size} of the newest {n} rows, in none of the"
        " older ones."
    )
    measure, shown = rows.size / n, _listed(rows)
    return Problem(
        "new_category", column.name, says, rows.size, n, measure, shown, values
    )


def _column_scores(
    data: TrainingData, truth: Flags, old: Indexes, new: Indexes
) -> Floats:
    """Return what each column alone says of the newer rows [n new, k columns]."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 -- seconds that web and beat do without

    scores = np.zeros((new.size, len(data.columns)))
    for index, column in enumerate(data.columns):
        before, after = data.matrix[old, index], data.matrix[new, index]
        if column.kind == "category":
            before, after = _as_shares(before, after, truth[old])
        if np.isnan(before).all():
            continue
        tree = DecisionTreeClassifier(
            max_depth=TREE_DEPTH, min_samples_leaf=MIN_LEAF, random_state=0
        )
        tree.fit(before[:, None], truth[old])
        scores[:, index] = tree.predict_proba(after[:, None])[:, 1]
    return scores


def _as_shares(before: Floats, after: Floats, truth: Flags) -> tuple[Floats, Floats]:
    """Read categories as the share of positives among older rows, drawn to the mean.

    What is missing is a value of its own, what is new has the share of all.
    """
    codes = [np.nan_to_num(part, nan=MISSING_SCORE) for part in (before, after)]
    known, inverse = np.unique(codes[0], return_inverse=True)
    mean = float(truth.mean())
    positives = np.bincount(inverse, weights=truth.astype(np.float64))
    shares = (positives + mean) / (np.bincount(inverse) + 1)
    at = np.minimum(np.searchsorted(known, codes[1]), known.size - 1)
    return shares[inverse], np.where(known[at] == codes[1], shares[at], mean)


def _tested(scores: Floats, truth: Flags, seed: int) -> tuple[Floats, Floats]:
    """Return the AUC and its p-value over all columns, of scores [n, k]; each [k]."""
    rng = np.random.default_rng(seed)
    ranks = scipy.stats.rankdata(scores, axis=0)
    aucs = _aucs(truth[None, :], ranks)[0]
    permuted = np.array([rng.permutation(truth) for _ in range(N_PERMUTATIONS)])
    highest = _aucs(permuted, ranks).max(axis=1)
    # equal ones may differ by rounding
    n_as_high = (highest[:, None] >= aucs[None, :] - 1e-12).sum(axis=0)
    return aucs, (1 + n_as_high) / (1 + N_PERMUTATIONS)


def _aucs(truths: Flags, ranks: Floats) -> Floats:
    """Return the AUC of each column of ranks [n, k] for truths [m, n]: [m, k]."""
    n_true = int(truths[0].sum())
    sums = truths.astype(np.float64) @ ranks - n_true * (n_true + 1) / 2
    return np.asarray(sums / (n_true * (truths.shape[1] - n_true)))


def _chance_of_so_few(inside: Flags, other: Flags) -> float:
    """Return the chance of so few of the other kind inside; 1 where not so few."""
    n_inside, n_other = int(inside.sum()), int(other.sum())
    seen = int((inside & other).sum())
    expected = n_inside * n_other / max(inside.size, 1)
    if seen > MAX_IMPURITY * n_inside or seen > MAX_OF_EXPECTED * expected:
        return 1.0
    return float(scipy.stats.hypergeom.cdf(seen, inside.size, n_other, n_inside))


def _sampled(n: int, max_rows: int, seed: int) -> Indexes:
    if n <= max_rows:
        return np.arange(n)
    drawn = np.random.default_rng(seed).choice(n, size=max_rows, replace=False)
    return np.sort(drawn)


def _truth(data: TrainingData) -> Flags:
    labels = np.asarray(data.labels, dtype=np.str_)
    return np.isin(labels, data.positive_labels)


def _rarer(truth: Flags) -> int:
    return min(int(truth.sum()), int((~truth).sum()))


def _listed(rows: Indexes) -> tuple[int, ...]:
    return tuple(rows[:MAX_LISTED].tolist())
