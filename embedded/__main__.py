"""The commands behind `./run`: `up`, `exec -- …` and `manage -- …`."""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from embedded.servers import ServersUnavailable, running_servers, temporary_servers
from embedded.supervisor import ENVIRONMENT_FILE, PROJECT, UpOptions, say, up


def main() -> int:
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    options, command = _parser().parse_args(words[:split]), words[split + 1 :]
    data: Path = options.data.resolve()
    try:
        if options.action == "up":
            return up(
                UpOptions(
                    port=options.port,
                    data=data,
                    as_json=options.json,
                    with_demo=not options.no_demo,
                    concurrency=options.concurrency,
                )
            )
        if options.action == "manage":
            command = [sys.executable, str(PROJECT / "manage.py"), *command]
        with _addresses(data, temporary=options.action == "exec") as addresses:
            return _run(command, addresses)
    except ServersUnavailable as error:
        say(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    start = actions.add_parser("up", help="start everything on this machine")
    start.add_argument("--port", type=int, default=8000, help="on loopback")
    start.add_argument("--json", action="store_true", help="one line when ready")
    start.add_argument("--no-demo", action="store_true", help="no demo workflows")
    start.add_argument("--concurrency", type=int, default=2, help="worker processes")
    execute = actions.add_parser("exec", help="run a command with throw-away servers")
    execute.add_argument("--temporary", action="store_true", help="the default")
    manage = actions.add_parser("manage", help="run a Django command")
    for sub in (start, execute, manage):
        sub.add_argument("--data", type=Path, default=PROJECT / "data")
    return parser


@contextlib.contextmanager
def _addresses(data: Path, *, temporary: bool) -> Iterator[Mapping[str, str]]:
    """Yield where the servers are: the operator's, those of `up`, or fresh ones."""
    if {"DATABASE_URL", "REDIS_URL"} <= set(os.environ):
        yield {}
    elif temporary:
        durable = os.environ.get("EMBEDDED_DURABLE") == "1"
        with temporary_servers(durable=durable) as servers:
            yield servers.environment()
    elif _is_up(data):
        yield json.loads((data / ENVIRONMENT_FILE).read_text())
    else:
        saved = data / ENVIRONMENT_FILE
        known = json.loads(saved.read_text()) if saved.exists() else {}
        with running_servers(data / "servers") as servers:
            yield {**known, **servers.environment()}


def _is_up(data: Path) -> bool:
    try:
        with (data / "up.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _run(command: Sequence[str], addresses: Mapping[str, str]) -> int:
    defaults = {"SECRET_KEY": secrets.token_hex(32), "INSECURE_HTTP": "1"}
    environment = {**defaults, **os.environ, **addresses}
    process = subprocess.Popen(command, env=environment)  # noqa: S603 -- asked for
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
