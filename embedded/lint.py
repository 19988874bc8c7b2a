"""Every static check in one command: each says how it went, one failure fails all."""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS: dict[str, list[str]] = {
    "ruff": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "."],
    "import linter": ["lint-imports"],
    "djlint": ["djlint", "--lint", "--quiet", "templates"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "system check": ["python", "manage.py", "check"],
}


def main() -> int:
    """Run the checks named on the command line, or all."""
    wanted = sys.argv[1:] or list(CHECKS)
    failed = []
    for name in wanted:
        sys.stdout.write(f"--- {name}\n")
        sys.stdout.flush()
        command = [str(BIN / CHECKS[name][0]), *CHECKS[name][1:]]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 -- ours
            failed.append(name)
    sys.stdout.write(f"lint: {len(wanted) - len(failed)} ok, {len(failed)} failed")
    sys.stdout.write(f": {', '.join(failed)}\n" if failed else "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
