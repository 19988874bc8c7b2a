"""Every static check in one command: each says how it went, one failure fails all."""

import os
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
APPS = ["accounts", "predictions", "reviewqueue", "lifecycle", "ui"]
PACKAGES = [*APPS, "config", "embedded"]
MANAGE = ["python", "manage.py"]
CHECKS: dict[str, list[str]] = {
    "ruff": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "types": ["mypy", "."],
    "imports": ["lint-imports"],
    "templates": ["djlint", "--lint", "--quiet", "templates"],
    "upgrade": ["django-upgrade", "--target-version", "6.1", "--check"],
    # Ruff's S rules are bandit's, with a reason beside each exception; this adds what
    # they lack, at the severity where nothing is to be excused.
    "security": ["bandit", "--quiet", "-lll", "--recursive", *PACKAGES],
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "system": [*MANAGE, "check", "--database", "default"],
    "deployment": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
}


def main() -> int:
    """Run the checks named on the command line, or all."""
    wanted = sys.argv[1:] or list(CHECKS)
    if unknown := set(wanted) - set(CHECKS):
        sys.stderr.write(
            f"lint: no check is called {', '.join(sorted(unknown))}; "
            f"there are {', '.join(CHECKS)}\n"
        )
        return 2
    failed = [name for name in wanted if not _passes(name)]
    sys.stdout.write(f"lint: {len(wanted) - len(failed)} ok, {len(failed)} failed")
    sys.stdout.write(f": {', '.join(failed)}\n" if failed else "\n")
    return 1 if failed else 0


def _passes(name: str) -> bool:
    program, *words = CHECKS[name]
    if name == "upgrade":
        words += sorted(str(path) for root in PACKAGES for path in _sources(root))
    environment = dict(os.environ)
    if name == "deployment":
        # As in production: https only, and a mail server.
        environment |= {"INSECURE_HTTP": "0", "SMTP_HOST": "localhost"}
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 -- ours
        [str(BIN / program), *words],
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    verdict = "FAILED" if done.returncode else "ok"
    seconds = time.monotonic() - started
    sys.stdout.write(f"lint: {name:<11} {verdict:<7} {seconds:5.1f} s\n")
    if done.returncode:
        sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return not done.returncode


def _sources(root: str) -> list[Path]:
    return [p for p in Path(root).rglob("*.py") if "migrations" not in p.parts]


if __name__ == "__main__":
    sys.exit(main())
