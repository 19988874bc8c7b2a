"""Live a model's whole life on the payments, and check what is promised of it."""

import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lifecycle.proof.calm import Calm, live_calmly
from lifecycle.proof.declared import SLUG, honest_columns, life_source, named_source
from lifecycle.proof.jobs import JobFailed
from lifecycle.proof.life import Life, Lived
from lifecycle.proof.line import Line
from lifecycle.proof.options import PARTS, ProofOptions
from lifecycle.proof.promises import (
    calm_goals,
    life_goals,
    planted_goals,
    upstream_goals,
)
from lifecycle.proof.report import Proof, as_json, as_page
from lifecycle.proof.rows import Drawn, calm_rows, life_rows, upstream_rows
from lifecycle.proof.upstream import BREAKS, Met, break_upstream
from predictions.declaration import Declaration, parse_declaration
from predictions.learning.training import TooFewLabels
from predictions.models import Item
from reviewqueue.management.sets import DATA, folder_of, goal_lines, write_report
from reviewqueue.replay.goals import Goal
from reviewqueue.replay.passing import Say
from reviewqueue.replay.streams import SOURCES

SET: Final = "fraud_synccfd"
NUMBERS: Final[tuple[tuple[str, type], ...]] = (
    ("seed", int),
    ("past_share", float),
    ("share", float),
    ("days", int),
    ("looks_a_day", int),
    ("drift_every", int),
    ("retrain_days", int),
    ("shadow_days", int),
    ("beside_days", int),
    ("outcome_days", int),
    ("audit_share", float),
    ("upstream_past_share", float),
    ("upstream_share", float),
    ("upstream_days", int),
    ("break_day", int),
    ("within_items", int),
    ("calm_days", int),
    ("calm_per_day", int),
    ("calm_past", int),
)


class Command(BaseCommand):
    """Train on January, live until the end of May, break things, watch calm days."""

    help = (
        "Live a model's life on fraud_synccfd through the services, plant bad "
        "candidates, break the upstream, watch undisturbed days; write "
        "life-proof.html and .json, and fail unless all that is promised holds. "
        "Needs an empty database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = ProofOptions()
        parser.add_argument("--data", type=Path, help=f"folder; else ${DATA}")
        parser.add_argument("--out", type=Path, default=Path(), help="folder")
        parser.add_argument(
            "--only", choices=PARTS, action="append", default=[], help="(repeatable)"
        )
        for name, kind in NUMBERS:
            parser.add_argument(
                f"--{name.replace('_', '-')}", type=kind, default=getattr(default, name)
            )

    def handle(self, **given: Any) -> None:  # noqa: ANN401 -- Django's
        folder = folder_of(SOURCES[SET], given["data"])
        if Item.objects.exists():
            raise CommandError("The database holds items: use an empty one.")
        options = ProofOptions(
            parts=tuple(given["only"]) or PARTS,
            **{name: given[name] for name, _ in NUMBERS},
        )
        try:
            proof = proved(folder, options, say=self.stderr.write)
        except (JobFailed, TooFewLabels) as error:
            raise CommandError(str(error)) from error
        figures, page = as_json(proof), as_page(proof)
        write_report(given["out"], "life-proof", figures=figures, page=page)
        for line in goal_lines(proof.goals, words=("holds", "DOES NOT HOLD")):
            self.stdout.write(line)
        if not proof.is_held:
            broken = [one.name for one in proof.goals if not one.is_reached]
            raise CommandError("Does not hold: " + "; ".join(broken))


def proved(folder: Path, options: ProofOptions, *, say: Say) -> Proof:
    """Live through the parts asked for. Raises: JobFailed; TooFewLabels."""
    path = Path(settings.BASE_DIR, "workflows", f"{SLUG}.toml")
    proving = _Proving(folder, path.read_text(encoding="utf-8"), options, say)
    parts = {"life": proving.life, "upstream": proving.upstream, "calm": proving.calm}
    for name in options.parts:
        began = time.monotonic()
        parts[name]()
        proving.took_seconds[name] = time.monotonic() - began
        say(f"{name}: {proving.took_seconds[name]:.0f} s")
    return proving.proof()


@dataclass
class _Proving:
    """What is proved on which rows, and what the parts brought so far."""

    folder: Path
    base: str
    options: ProofOptions
    say: Say
    drawn: Drawn = field(default_factory=lambda: Drawn((), (), 0))
    lived: Lived | None = None
    met: list[Met] | None = None
    calmed: Calm | None = None
    goals: list[Goal] = field(default_factory=list)
    took_seconds: dict[str, float] = field(default_factory=dict)

    def life(self) -> None:
        options = self.options
        drawn = self.drawn = life_rows(self.folder, options)
        names = tuple(one.name for one in honest_columns(self._declaration))
        line = Line.declare(
            life_source(self.base, features=names, every_days=options.retrain_days),
            audit_share=options.audit_share,
            outcome_days=options.outcome_days,
            now=drawn.past[0].occurred_at,
        )
        life = Life(line, drawn, options)
        life.begin(self.say)
        life.plant()
        self.goals += planted_goals(life.lived.planted)
        life.live(self.say)
        days = (drawn.live[-1].occurred_at - drawn.live[0].occurred_at).days
        self.goals += life_goals(life.lived, months=days // options.retrain_days)
        self.lived = life.lived

    def upstream(self) -> None:
        sources = {
            one.slug: named_source(
                self.base, slug=one.slug, name=f"Upstream: {one.what}"
            )
            for one in BREAKS
        }
        rows = upstream_rows(self.folder, self.options)
        self.met = break_upstream(sources, rows, self.options)
        within = self.options.within_items
        self.goals += upstream_goals(self.met, within_items=within)

    def calm(self) -> None:
        source = named_source(
            self.base, slug="calm", name="Calm days", has_subject=False
        )
        rows = calm_rows(self.folder, self.options)
        self.calmed = live_calmly(source, rows, self.options, say=self.say)
        self.goals += calm_goals(self.calmed)

    def proof(self) -> Proof:
        declaration = self._declaration
        return Proof(
            options=self.options,
            n_past=len(self.drawn.past),
            n_live=len(self.drawn.live),
            n_all=self.drawn.n_all,
            metric=declaration.metric,
            measure=str(declaration.business.measure),
            currency=declaration.costs.currency,
            goals=self.goals,
            life=self.lived,
            upstream=self.met,
            calm=self.calmed,
            took_seconds=self.took_seconds,
        )

    @property
    def _declaration(self) -> Declaration:
        return parse_declaration(self.base)
