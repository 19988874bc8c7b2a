"""What several people's judgements of the same items say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

import numpy as np

from predictions.models import Workflow
from reviewqueue.queries.judgements import (
    MAX_ROWS,
    Judgement,
    judged_by_several,
    read_judgements,
)
from reviewqueue.trust.agreement import Judgements
from reviewqueue.trust.consensus import (
    Consensus,
    dawid_skene,
    discernment,
    expected_accuracy,
    judgements_of_each,
)
from reviewqueue.trust.reliance import TOO_FEW


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a person is right, as the judgements of others suggest.

    `n` judgements of items that others judged too. NaN where there is no estimate.
    """

    value: float
    n: int
    minimum: int

    @property
    def is_too_few(self) -> bool:
        return self.n < self.minimum


NO_ACCURACY = Accuracy(float("nan"), 0, TOO_FEW)


@dataclass(frozen=True, slots=True)
class ItemConsensus:
    """The most probable label of an item, and how probable each label given is."""

    label: str
    labels: dict[str, float]
    n_judgements: int


@dataclass(frozen=True)
class Shared:
    """The judgements of items that several people judged."""

    seen: Judgements

    @classmethod
    def of(cls, rows: Sequence[Judgement]) -> "Shared":
        """Keep what several people judged, without gold."""
        found = [one for same in judged_by_several(rows).values() for one in same]
        return cls(
            Judgements.of(
                [str(one.item) for one in found],
                [str(one.reviewer) for one in found],
                [one.label for one in found],
            )
        )

    @cached_property
    def estimate(self) -> Consensus:
        return dawid_skene(self.seen)

    @property
    def is_reliable(self) -> bool:
        """Whether there are enough items, and an estimate of them."""
        return self.n_items >= TOO_FEW and self.estimate.has_converged

    @property
    def n_items(self) -> int:
        return int(self.seen.item_names.size)

    def accuracies(self) -> dict[UUID, Accuracy]:
        """Return how often each person is expected to be right."""
        values = expected_accuracy(self.seen, self.estimate)
        return {
            UUID(name): Accuracy(float(value), int(n), TOO_FEW)
            for name, value, n in zip(
                self.seen.person_names.tolist(),
                values,
                judgements_of_each(self.seen),
                strict=True,
            )
        }

    def discernments(self) -> dict[UUID, Accuracy]:
        """Return how well each person tells labels apart; 0 is not at all."""
        values = discernment(self.estimate)
        return {
            UUID(name): Accuracy(float(value), int(n), TOO_FEW)
            for name, value, n in zip(
                self.seen.person_names.tolist(),
                values,
                judgements_of_each(self.seen),
                strict=True,
            )
        }

    @cached_property
    def places(self) -> dict[UUID, int]:
        """Where each item is among the posteriors; empty unless these are reliable."""
        if not self.is_reliable:
            return {}
        return {UUID(name): i for i, name in enumerate(self.seen.item_names.tolist())}

    @property
    def n_judgements(self) -> int:
        return int(self.seen.items.size)

    def of_item(self, item: UUID) -> ItemConsensus:
        """Return what is estimated of an item. Raises: KeyError unless reliable."""
        place = self.places[item]
        names: list[str] = self.seen.label_names.tolist()
        chances = np.minimum(self.estimate.posteriors[place], 1).tolist()
        labels = dict(zip(names, chances, strict=True))
        return ItemConsensus(
            label=max(names, key=labels.__getitem__),
            labels=labels,
            n_judgements=int((self.seen.items == place).sum()),
        )


@dataclass(frozen=True, slots=True)
class ConsensusReport:
    """What was read, and what it says together."""

    since: datetime
    until: datetime
    is_capped: bool
    shared: Shared


def consensus_report(
    workflow: Workflow, *, days: int, now: datetime
) -> ConsensusReport:
    """Read the newest 20,000 judgements of the last `days`, and estimate the labels."""
    since = now - timedelta(days=days)
    rows = read_judgements(workflow, since=since, until=now)
    return ConsensusReport(since, now, len(rows) == MAX_ROWS, Shared.of(rows))
