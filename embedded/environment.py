"""What the project's own processes are told when they run on this machine."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from embedded.binaries import ServersUnavailable
from embedded.files import hold_lock, kept_secret, private_folder, write_private

ENVIRONMENT_FILE = "environment.json"
LOCK_FILE = "up.lock"


def local_environment(data: Path, addresses: Mapping[str, str]) -> dict[str, str]:
    """Build the settings for this machine around the servers' addresses.

    Secrets are made once per data folder and kept there, for its owner alone.
    """
    metrics = private_folder(data / "metrics")
    return {
        **addresses,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": kept_secret(data / "secret.key"),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "INSECURE_HTTP": "1",  # sign-in over plain http, on loopback
        "COUNTERSIGN_MEDIA_ROOT": str(private_folder(data / "media")),
        "COUNTERSIGN_STATIC_ROOT": str(data / "static"),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def with_inherited(ours: Mapping[str, str]) -> dict[str, str]:
    """Put our settings over those of the shell; debug pages are never inherited."""
    inherited = {name: value for name, value in os.environ.items() if name != "DEBUG"}
    return {**inherited, **ours}


def save_environment(data: Path, ours: Mapping[str, str]) -> None:
    write_private(data / ENVIRONMENT_FILE, json.dumps(ours))


def environment_of_up(data: Path) -> dict[str, str] | None:
    """Read the settings of what runs on a data folder; None when nothing does.

    Raises: ServersUnavailable before its servers have started for the first time.
    """
    if not (data / LOCK_FILE).exists():
        return None
    lock = hold_lock(data / LOCK_FILE, wait_seconds=0)
    if lock is not None:
        lock.close()
        return None
    try:
        saved: dict[str, str] = json.loads((data / ENVIRONMENT_FILE).read_text())
    except FileNotFoundError as error:
        msg = f"the servers in {data} are still starting; try again in a moment"
        raise ServersUnavailable(msg) from error
    return saved
