"""One Valkey server on a private socket."""

import signal
import subprocess
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded.binaries import valkey_binary
from embedded.files import kept_secret, write_private
from embedded.processes import die_with_parent


class Valkey:
    """Where the server's files are, how it is started, and how it is reached."""

    name = "Valkey"

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.folder = folder
        self.data = folder / "valkey"
        self.log = folder / "valkey.log"
        self.config = folder / "valkey.conf"
        self.socket = sockets / "valkey.sock"
        self.password = kept_secret(folder / "valkey.password")

    @property
    def url(self) -> str:
        return f"unix://:{self.password}@{self.socket}?db=0"

    def prepare(self) -> None:
        """Write the configuration, and end a server that a crash left behind."""
        if self.answers():
            self._client().shutdown(save=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "port": "0",
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "dir": f'"{self.data}"',
            "requirepass": self.password,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        lines = (f"{name} {value}\n" for name, value in settings.items())
        write_private(self.config, "".join(lines))

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 -- our own binary
                die_with_parent(
                    [str(valkey_binary()), str(self.config)], signal.SIGTERM
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
            )

    def answers(self) -> bool:
        client = self._client()
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False
        finally:
            client.close()

    def complete(self) -> None:
        """Nothing is needed beyond a running server."""

    def _client(self) -> Redis:
        return Redis(
            unix_socket_path=str(self.socket),
            password=self.password,
            retry=Retry(NoBackoff(), 0),  # an answer now: we ask again ourselves
        )
