"""Run a command with the embedded servers: `python -m embedded exec -- …`."""

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from embedded.servers import (
    Servers,
    ServersUnavailable,
    running_servers,
    temporary_servers,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="embedded", description=__doc__)
    parser.add_argument("action", choices=["exec"])
    parser.add_argument("--temporary", action="store_true", help="throw data away")
    parser.add_argument("--data", type=Path, default=Path("data"), help="data folder")
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    options, command = parser.parse_args(words[:split]), words[split + 1 :]
    if not command:
        parser.error("name the command after --")
    if {"DATABASE_URL", "REDIS_URL"} <= set(os.environ):
        return _run(command, {})
    try:
        with _servers(options) as servers:
            return _run(command, servers.environment())
    except ServersUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1


@contextlib.contextmanager
def _servers(options: argparse.Namespace) -> Iterator[Servers]:
    if options.temporary:
        durable = os.environ.get("EMBEDDED_DURABLE") == "1"
        with temporary_servers(durable=durable) as servers:
            yield servers
    else:
        with running_servers(options.data / "servers") as servers:
            yield servers


def _run(command: list[str], addresses: dict[str, str]) -> int:
    defaults = {"SECRET_KEY": secrets.token_hex(32), "INSECURE_HTTP": "1"}
    environment = defaults | dict(os.environ) | addresses
    process = subprocess.Popen(command, env=environment)  # noqa: S603 -- asked for
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
