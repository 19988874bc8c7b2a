"""What many people said of the same items, held against agreement, models and gold.

Pure: files in, figures out. The labels are those of one file of the crowd's answers:
`item,worker,label`, and of another `item,gold` where the truth of some is known.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.learning.evaluation import Rate, rate
from reviewqueue.trust.agreement import (
    Agreement,
    Judgements,
    krippendorff_alpha,
    pairwise_agreement,
)
from reviewqueue.trust.consensus import (
    Consensus,
    dawid_skene,
    discernment,
    expected_accuracy,
    judgements_of_each,
)
from reviewqueue.trust.gold_floor import MIN_ANSWERS, is_surely_below

MIN_LABELS: Final = 30
ONE_LABEL_SHARE: Final = 0.95
NO_DISCERNMENT: Final = 0.1

type Floats = NDArray[np.float64]
type Pair = tuple[str, str]  # item, person


@dataclass(frozen=True, slots=True)
class CrowdFile:
    """The first label of each person for each item, in the file's order.

    `n_repeated` rows came again for the same pair, `n_changed` of them with another
    label; both are left out.
    """

    n_rows: int
    n_repeated: int
    n_changed: int
    labels: Mapping[Pair, str]

    def judgements(self, *, without: frozenset[str] = frozenset()) -> Judgements:
        """Return the labels of all people but some."""
        kept = [(*pair, label) for pair, label in self.labels.items()]
        kept = [row for row in kept if row[1] not in without]
        return Judgements.of(*([row[at] for row in kept] for at in range(3)))


@dataclass(frozen=True, slots=True)
class PeopleFigures:
    """Who says one label nearly always, and whom Dawid and Skene's model finds.

    Of people with 30 labels or more: `one_label` gave 95 % or more of theirs to one
    label, `no_discernment` tell labels apart by less than 0.1 of 1, `both` are both.
    """

    n: int
    one_label: frozenset[str]
    no_discernment: frozenset[str]
    one_label_share: float  # of all labels
    highest_accuracy: float  # that the model expects of one who says one label

    @property
    def both(self) -> frozenset[str]:
        return self.one_label & self.no_discernment


@dataclass(frozen=True, slots=True)
class CrowdFigures:
    """What one file shows; `gold` and `people_on_gold` only where truth is known."""

    n_items: int
    n_people: int
    raw: Agreement
    alpha: Agreement
    alpha_without: Agreement  # those who say one label nearly always
    people: PeopleFigures
    n_iterations: int
    has_converged: bool
    gold: Mapping[str, Rate]
    n_below_floor: Mapping[float, int]
    n_measured: int


def read_crowd(path: Path) -> CrowdFile:
    """Read a file of labels."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            ((row["item"], row["worker"]), row["label"]) for row in csv.DictReader(file)
        ]
    first: dict[Pair, str] = {}
    for pair, label in rows:
        first.setdefault(pair, label)
    changed = sum(label != first[pair] for pair, label in rows)
    return CrowdFile(len(rows), len(rows) - len(first), changed, first)


def read_truth(path: Path) -> dict[str, str]:
    """Read the known labels of items."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["item"]: row["gold"] for row in csv.DictReader(file)}


def crowd_figures(
    crowd: CrowdFile, truth: Mapping[str, str], *, seed: int
) -> CrowdFigures:
    """Hold a file against agreement, Dawid and Skene's model, and what is true."""
    seen = crowd.judgements()
    found = dawid_skene(seen)
    people = _people(seen, found)
    answers = gold_answers(crowd, truth)
    measured = [counts for counts in answers.values() if counts[1] >= MIN_ANSWERS]
    return CrowdFigures(
        n_items=seen.item_names.size,
        n_people=seen.person_names.size,
        raw=pairwise_agreement(seen, seed=seed),
        alpha=krippendorff_alpha(seen, seed=seed),
        alpha_without=krippendorff_alpha(
            crowd.judgements(without=people.one_label), seed=seed
        ),
        people=people,
        n_iterations=found.n_iterations,
        has_converged=found.has_converged,
        gold=against_truth(crowd, seen, found, truth) if truth else {},
        n_below_floor={
            floor: sum(is_surely_below(*one, run=0, floor=floor) for one in measured)
            for floor in (0.6, 0.8)
        },
        n_measured=len(measured),
    )


def _people(seen: Judgements, found: Consensus) -> PeopleFigures:
    n = judgements_of_each(seen)
    counts = np.zeros((seen.person_names.size, seen.label_names.size))
    np.add.at(counts, (seen.people, seen.labels), 1)
    is_many = n >= MIN_LABELS
    is_one = is_many & (counts.max(axis=1) >= ONE_LABEL_SHARE * n)
    is_blunt = is_many & (discernment(found) < NO_DISCERNMENT)
    expected = expected_accuracy(seen, found)[is_one]
    return PeopleFigures(
        n=int(is_many.sum()),
        one_label=frozenset(seen.person_names[is_one].tolist()),
        no_discernment=frozenset(seen.person_names[is_blunt].tolist()),
        one_label_share=float(n[is_one].sum() / n.sum()),
        highest_accuracy=float(expected.max()) if expected.size else float("nan"),
    )


def gold_answers(
    crowd: CrowdFile, truth: Mapping[str, str]
) -> dict[str, tuple[int, int]]:
    """Count by person the right ones of their answers to items whose truth is known."""
    right, n = Counter[str](), Counter[str]()
    for (item, person), label in crowd.labels.items():
        if item in truth:
            n[person] += 1
            right[person] += label == truth[item]
    return {person: (right[person], n[person]) for person in n}


def against_truth(
    crowd: CrowdFile, seen: Judgements, found: Consensus, truth: Mapping[str, str]
) -> dict[str, Rate]:
    """Say how often each way to one label of an item is right where truth is known.

    A tie of votes counts as wrong. Weighed by gold: log odds of each person's answers
    to the other items whose truth is known, with two right and one wrong beforehand.
    """
    votes, names = seen.votes(), seen.label_names.tolist()
    modelled = found.posteriors.argmax(axis=1)
    place = {item: at for at, item in enumerate(seen.item_names.tolist())}
    known = [item for item in truth if item in place]
    majority = sum(
        names[int(votes[place[one]].argmax())] == truth[one]
        and (votes[place[one]] == votes[place[one]].max()).sum() == 1
        for one in known
    )
    model = sum(names[int(modelled[place[one]])] == truth[one] for one in known)
    weighed = _weighed(crowd, truth, known)
    n = len(known)
    return {
        "most votes": rate(majority, n),
        "Dawid and Skene": rate(model, n),
        "votes weighed by gold": rate(weighed, n),
    }


def _weighed(crowd: CrowdFile, truth: Mapping[str, str], known: Sequence[str]) -> int:
    answers = gold_answers(crowd, truth)
    by_item: dict[str, list[Pair]] = defaultdict(list)
    for (item, person), label in crowd.labels.items():
        by_item[item].append((person, label))
    n_right = 0
    for item in known:
        scores: dict[str, float] = defaultdict(float)
        for person, label in by_item[item]:
            right, n = answers[person]
            share = (right - (label == truth[item]) + 2) / (n - 1 + 3)
            scores[label] += float(np.log(share / (1 - share)))
        best = max(scores, key=scores.__getitem__)
        n_right += best == truth[item]
    return n_right


def planted(crowd: CrowdFile, *, seed: int) -> tuple[CrowdFile, dict[str, str]]:
    """Give the pairs of a file answers to a made-up truth, and return both.

    Who judged what, and who says one label nearly always, stay as they are; the others
    are right in 55 to 95 % of their answers, each by themselves. Seeded.
    """
    rng = np.random.default_rng(seed)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, person), label in crowd.labels.items():
        said[person][label] += 1
    names = sorted({label for counts in said.values() for label in counts})
    items = sorted({item for item, _ in crowd.labels})
    truth = {
        item: names[at]
        for item, at in zip(items, rng.choice(2, len(items), p=[0.6, 0.4]), strict=True)
    }
    skill = {person: rng.uniform(0.55, 0.95) for person in sorted(said)}
    labels: dict[Pair, str] = {}
    for item, person in crowd.labels:
        (label, n), total = said[person].most_common(1)[0], said[person].total()
        if total >= MIN_LABELS and n >= ONE_LABEL_SHARE * total:
            labels[item, person] = label
        else:
            other = names[1 - names.index(truth[item])]
            is_right = rng.random() < skill[person]
            labels[item, person] = truth[item] if is_right else other
    return CrowdFile(len(labels), 0, 0, labels), truth
