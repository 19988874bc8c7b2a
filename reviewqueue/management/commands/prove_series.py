"""Take real readings through windows, alarms and failures, and count."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reviewqueue.management.commands.prove import scratch_folder
from reviewqueue.proof.machines import read_machines
from reviewqueue.proof.machines_run import MachinesRun, SeriesProof, run
from reviewqueue.proof.serving import served
from reviewqueue.proof.steps import ProofFailed
from reviewqueue.trust.agreement import Agreement

FOLDER, FILE = "pdm_ai4i2020", "ai4i2020.csv"
SLUG: Final = "machine-failure"
SEED: Final = 20_260_301


class Command(BaseCommand):
    help = (
        "Take the readings of AI4I 2020 (machines and times are ours) over HTTP to "
        "items, alarms, failures and a snapshot, with simulated technicians; fail "
        "unless the counts add up. Needs an empty database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--seed", type=int, default=SEED)
        parser.add_argument(
            "--limit", type=int, help="take only so many readings, the first ones"
        )

    def handle(self, **options: Any) -> None:  # noqa: ANN401 -- Django's
        path = options["data"] / FOLDER / FILE
        if not path.is_file():
            raise CommandError(f"{FOLDER}: no {FILE}")
        readings = read_machines(path)[: options["limit"]]
        with scratch_folder() as scratch, served(scratch / "servers") as port:
            one = MachinesRun(
                readings,
                declaration=Path(settings.BASE_DIR, "workflows", f"{SLUG}.toml"),
                scratch=scratch,
                port=port,
                seed=options["seed"],
            )
            try:
                proof = run(one, say=self.stderr.write)
            except ProofFailed as error:
                raise CommandError(str(error)) from error
        self.stdout.write(report(proof))
        if proof.broken:
            raise CommandError("\n".join(str(one) for one in proof.broken))


def report(proof: SeriesProof) -> str:
    """Write what was counted and what the alarms were worth as Markdown."""
    lines = ["| Sum | by the one | by the other |", "|---|---:|---:|"]
    lines += [f"| {one.text} | {one.left:,} | {one.right:,} |" for one in proof.sums]
    held = len(proof.sums) - len(proof.broken)
    lines += [f"| **sums that hold** | {held} of {len(proof.sums)} | |", ""]
    names = ("model", "people", "together")
    lines += ["| Alarms | Model | People | Together |", "|---|---:|---:|---:|"]
    for title, write in ROWS:
        cells = (write(proof.alarms[name]) for name in names)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    kinds = [one["kind"] for one in proof.alarms["model"]["by_kind"]]
    for kind in kinds:
        cells = (_caught(_kind(proof.alarms[name], kind)) for name in names)
        lines.append(f"| … caught: {kind} | {' | '.join(cells)} |")
    together = proof.together
    lines += [
        "",
        f"Items {proof.alarms['n_items']:,}, not judged {proof.alarms['n_waiting']:,}.",
        f"Two readers: kappa {_agreement(together.kappa)}, alpha "
        f"{_agreement(together.alpha)}."
        if together
        else "No two readers.",
        f"scikit-learn on the snapshot: AUC {proof.accuracy:.3f}.",
    ]
    return "\n".join(lines)


def _caught(one: Mapping[str, Any]) -> str:
    if not one["n"]:
        return "none"
    low, high = one["caught_low"], one["caught_high"]
    return f"{one['caught']} of {one['n']} ({low:.2f} to {high:.2f})"


def _kind(score: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((one for one in score["by_kind"] if one["kind"] == kind), {"n": 0})


def _lead(score: Mapping[str, Any]) -> str:
    lead = score["failures"]["median_lead_minutes"]
    return "none" if lead is None else f"{lead:.0f} min"


def _rate(score: Mapping[str, Any]) -> str:
    rate = score["false_alarms_per_machine_week"]
    return f"{rate:.1f} ({score['rate_low']:.1f} to {score['rate_high']:.1f})"


ROWS: Final = (
    ("caught in time", lambda one: _caught(one["failures"])),
    ("alarm too late", lambda one: str(one["failures"]["too_late"])),
    ("no alarm", lambda one: str(one["failures"]["missed"])),
    ("median lead", _lead),
    ("items called", lambda one: f"{one['alarms']:,}"),
    ("visits", lambda one: f"{one['visits']:,}"),
    ("… for nothing", lambda one: f"{one['false_alarms']:,}"),
    ("false alarms a machine and week", _rate),
    ("cost", lambda one: f"{one['cost']:,.0f}"),
    ("cost without alarms", lambda one: f"{one['cost_without_alarms']:,.0f}"),
)


def _agreement(one: Agreement) -> str:
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f}, n = {one.n_pairs:,})"
