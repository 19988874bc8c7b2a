"""Load the demo workflows: champion, history by simulated reviewers, backlog."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from predictions.models import Item, Workflow
from reviewqueue.demo.history import declare_demo, fill_workflow, kept_files
from reviewqueue.demo.people import (
    INTEGRATION,
    PEOPLE,
    Credentials,
    ensure_key,
    ensure_people,
    ensure_roles,
    read_credentials,
)
from reviewqueue.demo.simulation import SimulatedReviewer
from reviewqueue.demo.streams import GENERATORS, WITH_FILES
from reviewqueue.enums import Queue

SEED = 20260301
FOLDER = Path(settings.BASE_DIR) / "workflows"


class Command(BaseCommand):
    help = "Load the demo workflows; what is there already stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON")
        parser.add_argument("--credentials", type=Path, required=True)
        parser.add_argument(
            "--fill-only", action="store_true", help="only fill what is empty"
        )
        parser.add_argument(
            "--when-told", action="store_true", help="begin once a line comes in"
        )

    def handle(self, **options: object) -> None:
        path = Path(str(options["credentials"]))
        if options["fill_only"]:
            if _is_told(options):
                self._fill_all(now=timezone.now())
            return
        # It loads what it needs from here on, and there is a second processor.
        with _helper(path) as tell:
            if _is_told(options):
                self._load(path, tell, as_json=bool(options["json"]))

    def _load(self, path: Path, tell: Callable[[], object], *, as_json: bool) -> None:
        now = timezone.now()
        credentials = read_credentials(path)
        people = ensure_people(credentials, now=now)
        credentials.write(path)
        for slug in GENERATORS:
            workflow = declare_demo(
                folder=FOLDER, slug=slug, by=people["engineer"], now=now
            )
            ensure_roles(workflow.scope, people, now=now)
            ensure_key(workflow.scope, people[INTEGRATION], credentials, now=now)
            credentials.write(path)
        self._keep_pictures(people["engineer"], now=now)
        if _is_anything_empty():
            tell()
            self._fill_all(now=now)
        for slug in GENERATORS:
            declare_demo(folder=FOLDER, slug=slug, by=people["engineer"], now=now)
        self._report(credentials, as_json=as_json)

    def _keep_pictures(self, by: User, *, now: datetime) -> None:
        """Store the files of what is empty, before any transaction begins."""
        for slug in WITH_FILES:
            workflow = Workflow.objects.get(slug=slug)
            if not Item.objects.filter(workflow=workflow).exists():
                kept_files(workflow, GENERATORS[slug](SEED), by=by, now=now)

    def _fill_all(self, *, now: datetime) -> None:
        people = {user.username: user for user in User.objects.all()}
        for slug in GENERATORS:
            self._fill(slug, people, now=now)

    def _fill(self, slug: str, people: dict[str, User], *, now: datetime) -> None:
        with transaction.atomic():
            # Two processes share the work: what one is at, the other leaves.
            if not _is_free(slug):
                return
            workflow = Workflow.objects.get(slug=slug)
            if Item.objects.filter(workflow=workflow).exists():
                return
            n_decided = fill_workflow(
                workflow=workflow,
                stream=GENERATORS[slug](SEED),
                reviewers=_reviewers(people),
                by=people["engineer"],
                supervisor=people["supervisor"],
                seed=SEED,
                now=now,
            )
        self.stderr.write(f"{slug}: {n_decided} simulated decisions")

    def _report(self, credentials: Credentials, *, as_json: bool) -> None:
        accounts = [
            {
                "username": username,
                "password": credentials.passwords.get(username, ""),
                "roles": [role.value for role in roles] or ["site admin"],
            }
            for username, roles in PEOPLE.items()
        ]
        if as_json:
            facts = {"accounts": accounts, "api_keys": credentials.keys}
            self.stdout.write(json.dumps(facts))
            return
        for account in accounts:
            self.stdout.write(f"{account['username']}: {account['password']}")


def _is_free(slug: str) -> bool:
    """Take a workflow until this transaction ends, unless another process has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"demo {slug}"],
        )
        found: tuple[bool] = cursor.fetchone()
    return found[0]


def _is_anything_empty() -> bool:
    filled = Item.objects.values("workflow__slug").distinct()
    return len(GENERATORS) > filled.filter(workflow__slug__in=GENERATORS).count()


def _is_told(options: Mapping[str, object]) -> bool:
    """Wait for a line, where that was asked for; none is a no."""
    return not options["when_told"] or bool(sys.stdin.readline())


@contextmanager
def _helper(credentials: Path) -> Iterator[Callable[[], object]]:
    """Have a second process fill workflows beside this one, once it is told to.

    Gives what tells it. Raises: CommandError.
    """
    words = ["demo", "--fill-only", "--when-told", f"--credentials={credentials}"]
    helper = subprocess.Popen(  # noqa: S603 -- this very command
        [sys.executable, *sys.argv[:1], *words], stdin=subprocess.PIPE
    )
    channel = cast("IO[bytes]", helper.stdin)
    try:
        yield partial(os.write, channel.fileno(), b"\n")
        channel.close()
        failed = helper.wait()
    finally:
        helper.terminate()
        helper.wait()
    if failed:
        msg = f"the process that fills workflows beside this one ended with {failed}"
        raise CommandError(msg)


def _reviewers(people: dict[str, User]) -> list[SimulatedReviewer]:
    return [
        SimulatedReviewer(people["sim-ada"], accuracy=0.97, follows=0.1, seconds=19),
        SimulatedReviewer(people["sim-ben"], accuracy=0.94, follows=0.3, seconds=13),
        SimulatedReviewer(people["sim-cho"], accuracy=0.96, follows=0.15, seconds=24),
        SimulatedReviewer(
            people["sim-adjudicator"],
            accuracy=0.99,
            follows=0.0,
            seconds=45,
            queues=(Queue.ADJUDICATION,),
        ),
    ]
