"""Run the benchmarks: `./run bench [names] [--quick]`. Prints a Markdown table."""

import argparse
import importlib
import importlib.util
import inspect
import os
import platform
import sys
from collections.abc import Sequence

from django.core.management import call_command

from benchmarks.results import Result, as_result, table

NAMES = (
    "intake",
    "claims",
    "pipeline",
    "wait_score",
    "dashboard",
    "trust",
    "export",
    "media",
    "part_images",
    "sites",
    "speech",
)
QUICK_ROWS = 10_000


def main() -> int:
    options = _parser().parse_args()
    call_command("migrate", verbosity=0, interactive=False)
    _say(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    results: list[Result] = []
    for name in options.names or NAMES:
        if importlib.util.find_spec(f"benchmarks.{name}") is None:
            _say(f"{name}: not there")
            continue
        _say(f"{name} …")
        results += _run(name, quick=options.quick)
    sys.stdout.write(table(results) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    return parser


def _run(name: str, *, quick: bool) -> Sequence[Result]:
    run = importlib.import_module(f"benchmarks.{name}").run
    known = inspect.signature(run).parameters
    if "quick" in known:
        found = run(quick=quick)
    elif "n" in known and quick:
        found = run(n=QUICK_ROWS)
    else:
        found = run()
    return [as_result(one) for one in found]


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
