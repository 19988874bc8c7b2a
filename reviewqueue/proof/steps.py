"""What every run over HTTP does: ask, wait, have a snapshot built, call a command."""

import io
import time
from collections.abc import Callable
from typing import Any, Final

from django.core.management import call_command

from reviewqueue.enums import SnapshotStatus
from reviewqueue.proof.client import Answer, ApiClient

POLL_SECONDS: Final = 0.1
STALLED_SECONDS: Final = 180.0


class ProofFailed(Exception):
    """Something that must hold did not; the message says what."""


def expected(answer: Answer, status: int, what: str) -> dict[str, Any]:
    """Return the object answered. Raises: ProofFailed."""
    if answer.status != status or not isinstance(answer.body, dict):
        raise ProofFailed(f"{what}: {answer.status} for {status}: {answer.body}")
    return answer.body


def wait_until_none(remaining: Callable[[], int], failure: str) -> None:
    """Wait until nothing remains. Raises: ProofFailed when nothing moves for long."""
    last, since = -1, time.monotonic()
    while n := remaining():
        if n != last:
            last, since = n, time.monotonic()
        if time.monotonic() - since > STALLED_SECONDS:
            raise ProofFailed(f"{n} {failure}")
        time.sleep(POLL_SECONDS)


def exported(
    client: ApiClient, slug: str, *formats: str
) -> tuple[dict[str, Any], list[str]]:
    """Have a snapshot built; return what the API says of it, and its files.

    Raises: ProofFailed.
    """
    asked = client.post(f"workflows/{slug}/snapshots", {})
    path = f"snapshots/{expected(asked, 202, 'snapshot')['id']}"
    busy = {SnapshotStatus.QUEUED, SnapshotStatus.BUILDING}
    began = time.monotonic()
    while (found := client.get(path).body)["status"] in busy:
        if time.monotonic() - began > STALLED_SECONDS:
            raise ProofFailed(f"snapshot: still {found['status']}")
        time.sleep(POLL_SECONDS)
    if found["status"] != SnapshotStatus.READY:
        raise ProofFailed(f"snapshot: {found['status']}: {found['failure']}")
    return found, [_downloaded(client, path, name) for name in formats]


def _downloaded(client: ApiClient, path: str, name: str) -> str:
    status, body = client.download(f"{path}/download?format={name}")
    if status != 200:
        raise ProofFailed(f"snapshot as {name}: {status}")
    return body.decode()


def command(name: str, *arguments: str, **options: Any) -> str:  # noqa: ANN401 -- options of any command
    """Call a command; return what it says."""
    output = io.StringIO()
    call_command(name, *arguments, stdout=output, **options)
    return output.getvalue().strip()
