"""The commands behind `./run`: `up`, `exec -- …` and `manage -- …`."""

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from embedded.binaries import ServersUnavailable
from embedded.children import PROJECT
from embedded.environment import environment_of_up, local_environment, with_inherited
from embedded.processes import die_with_parent
from embedded.servers import are_given, running_servers, temporary_servers
from embedded.supervisor import UpOptions, say, signals_ignored_at_the_end, up


def main() -> int:
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    options, command = _parser().parse_args(words[:split]), words[split + 1 :]
    data: Path = options.data.absolute()
    # Also where a script started us in its background, which ignores Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
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
    try:
        with _environment(data, temporary=options.temporary) as environment:
            return _run(command, environment)
    except ServersUnavailable as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    start = actions.add_parser("up", help="start everything on this machine")
    start.add_argument(
        "--port", type=int, default=8000, help="on loopback; 0 takes a free one"
    )
    start.add_argument("--json", action="store_true", help="one line when ready")
    start.add_argument("--no-demo", action="store_true", help="no demo workflows")
    start.add_argument("--concurrency", type=int, default=2, help="worker processes")
    execute = actions.add_parser("exec", help="run a command with servers")
    execute.add_argument(
        "--temporary", action="store_true", help="on servers that are thrown away"
    )
    manage = actions.add_parser("manage", help="run a Django command")
    manage.set_defaults(temporary=False)
    for sub in (start, execute, manage):
        sub.add_argument(
            "--data",
            type=Path,
            default=PROJECT / "data",
            help="where everything is kept (default: ./data)",
        )
    return parser


@contextlib.contextmanager
def _environment(data: Path, *, temporary: bool) -> Iterator[Mapping[str, str]]:
    """Yield what a command needs: the operator's servers, those of `up`, or fresh ones.

    Raises: ServersUnavailable.
    """
    throw_away = {"SECRET_KEY": secrets.token_hex(32), "INSECURE_HTTP": "1"}
    if are_given():
        yield throw_away | os.environ
    elif temporary:
        durable = os.environ.get("EMBEDDED_DURABLE") == "1"
        with temporary_servers(durable=durable) as servers:
            yield throw_away | os.environ | servers.environment()
    elif saved := environment_of_up(data):
        yield with_inherited(saved)
    else:
        with running_servers(data / "servers") as servers:
            yield with_inherited(local_environment(data, servers.environment()))


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; it hears of Ctrl-C from the terminal, as we do."""
    with signals_ignored_at_the_end():
        process = subprocess.Popen(  # noqa: S603 -- asked for
            die_with_parent(command, signal.SIGTERM),
            env=dict(environment),
        )
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    return code if code >= 0 else 128 - code


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
