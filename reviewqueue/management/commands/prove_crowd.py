"""Hold a crowd's labels against agreement, Dawid and Skene's model, and gold."""

import math
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from predictions.learning.evaluation import Rate
from predictions.models import Workflow
from reviewqueue.proof.crowd import (
    CrowdFigures,
    CrowdFile,
    crowd_figures,
    gold_answers,
    planted,
    read_crowd,
    read_truth,
)
from reviewqueue.proof.crowd_run import Measured, ReadTwice, meet_gold, read_twice
from reviewqueue.trust.agreement import Agreement, cohen_kappa, krippendorff_alpha

FOLDER: Final = "crowd_hit_spam"
FILES: Final = ("crowdflower_labels.csv", "crowdflower_gold.csv", "mturk_labels.csv")
SEED: Final = 20_260_301  # of the reliance page too: the same rows, the same interval


class Command(BaseCommand):
    """Read both files, print what they show, and take a part through the product."""

    help = (
        "Hold the labels of a crowd against agreement, Dawid and Skene's model and "
        "known truth, take a part of them through two readings, adjudication and gold, "
        "and fail unless the counts add up. Needs an empty database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--items", type=int, default=300, help="to be read twice")
        parser.add_argument("--people", type=int, default=3, help="who meet gold")
        parser.add_argument("--seed", type=int, default=SEED)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        folder = options["data"] / FOLDER
        if missing := [one for one in FILES if not (folder / one).is_file()]:
            raise CommandError(f"{FOLDER}: no {', '.join(missing)}")
        if Workflow.objects.exists():
            raise CommandError("The database is not empty.")
        flower, mturk = read_crowd(folder / FILES[0]), read_crowd(folder / FILES[2])
        truth, seed = read_truth(folder / FILES[1]), options["seed"]
        made_up, made_truth = planted(mturk, seed=seed)
        columns = [
            ("crowdflower", flower, crowd_figures(flower, truth, seed=seed)),
            ("mturk", mturk, crowd_figures(mturk, {}, seed=seed)),
            ("planted", made_up, crowd_figures(made_up, made_truth, seed=seed)),
        ]
        self.stdout.write(table(columns))
        say = self.stderr.write
        twice = read_twice(mturk, n_items=options["items"], now=timezone.now(), say=say)
        met = meet_gold(
            flower, truth, n_people=options["people"], now=timezone.now(), say=say
        )
        self.stdout.write(through(twice, met))
        broken = [*_broken(twice), *_broken_gold(met, flower, truth)]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write("all sums hold")


def table(columns: list[tuple[str, CrowdFile, CrowdFigures]]) -> str:
    """Return what the files show as a Markdown table, a column for each."""
    lines = [
        ["", *(name for name, _, _ in columns)],
        ["---", *("---:" for _ in columns)],
    ]
    described = [dict(_lines(crowd, found)) for _, crowd, found in columns]
    lines += [[words, *(one[words] for one in described)] for words in described[0]]
    return _markdown(lines)


def _lines(crowd: CrowdFile, found: CrowdFigures) -> Iterator[tuple[str, str]]:
    people = found.people
    yield "rows", f"{crowd.n_rows:,}"
    yield "… again for the same pair", f"{crowd.n_repeated:,}"
    yield "… of them with another label", f"{crowd.n_changed:,}"
    yield "items", f"{found.n_items:,}"
    yield "people", f"{found.n_people:,}"
    yield "two labels of an item are the same", _coefficient(found.raw)
    yield "Krippendorff's alpha", _coefficient(found.alpha)
    yield "people with 30 labels or more", f"{people.n:,}"
    yield "… who give one label in 95 % or more", f"{len(people.one_label):,}"
    yield "… their share of all labels", f"{people.one_label_share:.1%}"
    yield (
        "… at most so often right, as the model expects",
        f"{people.highest_accuracy:.2f}",
    )
    yield "… who tell labels apart by less than 0.1", f"{len(people.no_discernment):,}"
    yield "… both", f"{len(people.both):,}"
    yield "alpha without those who give one label", _coefficient(found.alpha_without)
    ended = "converged" if found.has_converged else "did not converge"
    yield "Dawid and Skene", f"{ended} in {found.n_iterations}"
    for words in ("most votes", "Dawid and Skene", "votes weighed by gold"):
        name = f"right where truth is known: {words}"
        yield name, _rate(found.gold.get(words))
    yield "people with 20 answers to gold or more", f"{found.n_measured:,}"
    for floor, n in found.n_below_floor.items():
        yield f"… surely below a floor of {floor:.0%}", f"{n:,}"


def through(twice: ReadTwice, met: list[Measured]) -> str:
    """Return what the product made of its part as a Markdown table."""
    together = twice.report.together
    lines = [
        ["through the product", ""],
        ["---", "---:"],
        ["items read twice", f"{twice.n_items:,}"],
        ["decisions", f"{twice.n_decisions:,}"],
        ["labels of two who agree", f"{twice.n_agreed:,}"],
        ["labels of an adjudicator", f"{twice.n_adjudicated:,}"],
    ]
    if together is not None:
        lines.append(["Cohen's kappa", _coefficient(together.kappa)])
        lines.append(["Krippendorff's alpha", _coefficient(together.alpha)])
    for one in met:
        words = f"{one.person}: met, answered, right"
        counts = f"{one.n_placed:,}, {one.n_answered:,}, {one.n_right:,}"
        lines.append([words, counts])
    return _markdown(lines)


def _broken(found: ReadTwice) -> Iterator[str]:
    """Say which sum does not hold: of the items, the decisions, the coefficients."""
    pairs, together = found.pairs, found.report.together
    if found.n_agreed + found.n_adjudicated != found.n_items or (
        found.n_labels != found.n_items
    ):
        yield f"labels: {found.n_agreed} + {found.n_adjudicated} ≠ {found.n_items}"
    if found.n_decisions != 2 * found.n_items + found.n_adjudicated:
        yield f"decisions: {found.n_decisions}"
    names = pairs.label_names[pairs.labels].tolist()
    kappa = cohen_kappa(names[::2], names[1::2], seed=SEED)
    alpha = krippendorff_alpha(pairs, seed=SEED)
    theirs = (together.kappa, together.alpha) if together else (None, None)
    for mine, other in zip((kappa, alpha), theirs, strict=True):
        if other is None or not math.isclose(mine.value, other.value):
            yield f"{mine} is not {other}"


def _broken_gold(
    met: list[Measured], crowd: CrowdFile, truth: dict[str, str]
) -> Iterator[str]:
    answers = gold_answers(crowd, truth)
    for one in met:
        if one.n_placed != len(truth):
            yield f"{one.person}: met {one.n_placed} of {len(truth)} gold items"
        counted = (one.n_right, one.n_answered)
        if not counted == one.reported == answers[one.person]:
            yield f"{one.person}: {counted}, {one.reported}, {answers[one.person]}"


def _coefficient(found: Agreement) -> str:
    if math.isnan(found.value):
        return "not defined"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _rate(found: Rate | None) -> str:
    if found is None:
        return "–"  # noqa: RUF001 -- typography
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%}, n = {found.n:,})"


def _markdown(lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
