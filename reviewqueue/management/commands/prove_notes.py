"""Say what the model of notes and the mask can and cannot do, on made-up notes."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from predictions.declaration import parse_declaration
from predictions.learning.evaluation import wilson_interval
from predictions.learning.pipelines import Algorithm
from predictions.personal.finders import KINDS
from reviewqueue.demo.notes import ROUTINE, URGENT, Said
from reviewqueue.proof.notes import Judged, agreed_on, judged_on, trained_on
from reviewqueue.trust.agreement import Agreement

ALGORITHMS: Final[tuple[Algorithm, ...]] = ("logistic", "gradient_boosting")
SAID: Final[tuple[Said, ...]] = ("known", "new")
WORDS: Final = {
    (URGENT, False): "urgent, and sounds so: called urgent",
    (URGENT, True): "urgent, and sounds calm: called urgent",
    (ROUTINE, False): "routine: called urgent",
    (ROUTINE, True): "routine, and sounds urgent: called urgent",
}


class Command(BaseCommand):
    help = (
        "Train on made-up notes, judge on others with other seeds, and print tables. "
        "Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--train", type=int, default=2000, help="notes to train on")
        parser.add_argument("--test", type=int, default=1000, help="notes of each seed")
        parser.add_argument("--seeds", type=int, default=3)

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        path = settings.BASE_DIR / "workflows" / "case-notes.toml"
        declaration = parse_declaration(path.read_text(encoding="utf-8"))
        seeds = range(1, options["seeds"] + 1)
        judged: list[Judged] = []
        for algorithm in ALGORITHMS:
            models = [
                trained_on(
                    declaration, options["train"], seed=seed, algorithm=algorithm
                )
                for seed in seeds
            ]
            for said in SAID:
                judged = [
                    judged_on(
                        model, declaration, options["test"], seed=100 + at, said=said
                    )
                    for at, model in enumerate(models)
                ]
                for line in _model_lines(f"{algorithm}, {said} sentences", judged):
                    self.stdout.write(line)
        for line in _mask_lines(judged):
            self.stdout.write(line)
        [spec] = declaration.fields
        agreed = agreed_on(spec, options["test"], seed=1)
        self.stdout.write(f"| label, kappa | {_agreement(agreed.label)} |")
        self.stdout.write(f"| spans, F1 | {_agreement(agreed.spans)} |")


def _model_lines(what: str, judged: list[Judged]) -> Iterator[str]:
    for key, words in WORDS.items():
        each = [one.called[key] for one in judged if key in one.called]
        said = _rate(sum(one.n_urgent for one in each), sum(one.n for one in each))
        yield f"| {what.replace('_', ' ')} | {words} | {said} |"
    unlike = _rate(sum(one.n_unlike for one in judged), sum(one.n for one in judged))
    yield f"| {what.replace('_', ' ')} | sent to people as unlike | {unlike} |"


def _mask_lines(judged: list[Judged]) -> Iterator[str]:
    for kind in KINDS:
        each = [one.masked[kind] for one in judged]
        said = _rate(sum(one.n_whole for one in each), sum(one.n for one in each))
        yield f"| {kind} | {said} |"
    n, n_extra = sum(one.n for one in judged), sum(one.n_extra for one in judged)
    yield f"| finds on nothing planted | {n_extra} in {n:,} notes |"


def _agreement(found: Agreement) -> str:
    return f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})"  # noqa: RUF001 -- typography


def _rate(k: int, n: int) -> str:
    if not n:
        return "none"
    known = wilson_interval(k, n)
    return f"{k / n:.3f} (n = {n:,}, {known.low:.3f}–{known.high:.3f})"  # noqa: RUF001 -- typography
