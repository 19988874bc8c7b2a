"""Load the demo workflows: champion, history by simulated reviewers, backlog."""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import User
from predictions.models import Item, Workflow
from reviewqueue.demo.history import declare_demo, fill_workflow
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
from reviewqueue.demo.streams import GENERATORS
from reviewqueue.enums import Queue

SEED = 20260301


class Command(BaseCommand):
    help = "Load the demo workflows; what is there already stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON")
        parser.add_argument("--credentials", type=Path, required=True)

    def handle(self, **options: object) -> None:
        now = timezone.now()
        path = Path(str(options["credentials"]))
        credentials = read_credentials(path)
        people = ensure_people(credentials, now=now)
        credentials.write(path)
        for slug in GENERATORS:
            workflow = declare_demo(
                folder=Path(settings.BASE_DIR) / "workflows",
                slug=slug,
                by=people["engineer"],
                now=now,
            )
            ensure_roles(workflow.scope, people, now=now)
            ensure_key(workflow.scope, people[INTEGRATION], credentials, now=now)
            credentials.write(path)
            self._fill(workflow, people, now=now)
        self._report(credentials, as_json=bool(options["json"]))

    def _fill(
        self, workflow: Workflow, people: dict[str, User], *, now: datetime
    ) -> None:
        if Item.objects.filter(workflow=workflow).exists():
            return
        n_decided = fill_workflow(
            workflow=workflow,
            stream=GENERATORS[workflow.slug](SEED),
            reviewers=_reviewers(people),
            by=people["engineer"],
            seed=SEED,
            now=now,
        )
        self.stderr.write(f"{workflow.slug}: {n_decided} simulated decisions")

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
