"""Say what the model of part pictures can and cannot do, on drawn parts."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand

from predictions.learning.evaluation import wilson_interval
from reviewqueue.demo.parts import LABELS, NOISE
from reviewqueue.proof.parts import Judged, judged_on, trained_on

NOISES: Final = (0.5, 1.0, 1.5, 2.0)  # of what the model was trained on
HEAD: Final = (
    "| Noise | Label | Recall | Precision | Boxes found | Mean overlap |\n"
    "|---|---|---|---|---|---|"
)


class Command(BaseCommand):
    help = (
        "Train on drawn parts, judge on others with other seeds and noise, and print "
        "a table. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--train", type=int, default=400, help="parts to train on")
        parser.add_argument("--test", type=int, default=200, help="parts of each seed")
        parser.add_argument("--seeds", type=int, default=3)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        models = [
            trained_on(options["train"], seed=seed)
            for seed in range(1, options["seeds"] + 1)
        ]
        self.stdout.write(HEAD)
        for times in NOISES:
            judged = [
                judged_on(model, options["test"], seed=100 + place, noise=NOISE * times)
                for place, model in enumerate(models)
            ]
            for line in _lines(times, judged):
                self.stdout.write(line)


def _lines(times: float, judged: list[Judged]) -> Iterator[str]:
    """Yield a line for each label, all seeds together, and one of false boxes."""
    for label in LABELS:
        each = [one.labels[label] for one in judged]
        right = sum(one.n_right for one in each)
        n_boxes = sum(one.n_boxes for one in each)
        overlap = sum(one.overlap for one in each) / n_boxes if n_boxes else 0
        recalls = " ".join(f"{one.n_right / max(one.n_true, 1):.2f}" for one in each)
        yield (
            f"| × {times:g} | {label} "  # noqa: RUF001 -- typography
            f"| {_rate(right, sum(one.n_true for one in each))}; by seed {recalls} "
            f"| {_rate(right, sum(one.n_called for one in each))} "
            f"| {_rate(sum(o.n_found for o in each), n_boxes) if n_boxes else ''} "
            f"| {f'{overlap:.2f}' if n_boxes else ''} |"
        )
    extra = sum(one.n_extra for one in judged) / sum(one.n for one in judged)
    unlike = _rate(sum(one.n_unlike for one in judged), sum(one.n for one in judged))
    yield f"| | all | unlike what it knows: {unlike} | | {extra:.2f} boxes too many | |"


def _rate(k: int, n: int) -> str:
    if not n:
        return "none"
    known = wilson_interval(k, n)
    return f"{k / n:.2f} (n = {n}, {known.low:.2f}–{known.high:.2f})"  # noqa: RUF001 -- typography
