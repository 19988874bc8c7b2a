"""What the access tests walk through: one of everything, and everybody who may ask."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.models import ApiKey, Membership, User
from predictions.models import Item, QuarantinedItem, Workflow
from reviewqueue.enums import Queue
from reviewqueue.models import Case, Decision, Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.claims import claim_next_case
from reviewqueue.services.decisions import Judgement, record_decision
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import build_snapshot, request_snapshot
from tests.access_table import OWN, ROLES
from tests.factories.accounts import PASSWORD, ApiKeyFactory, UserFactory
from tests.factories.predictions import make_champion, make_workflow, raw_item, store

NOBODY = "nobody"
STRANGER = "stranger"  # every role in another workflow
ROLELESS = "roleless"  # an account, and no role anywhere
ADMIN = "admin"
EVERYTHING = "everything"  # every role in the workflow
AUTHOR = "author"  # the reviewer who made the decision
INSIDERS = (*ROLES, EVERYTHING)
EVERYBODY = (*INSIDERS, ROLELESS, STRANGER, ADMIN, NOBODY)


@dataclass(frozen=True)
class World:
    """Two workflows with one of everything, people, their browsers and their keys."""

    own: Mapping[str, object]  # what addresses need to name a thing of the first
    foreign: Mapping[str, object]  # the same of the second
    people: Mapping[str, User]
    clients: Mapping[str, Client]
    keys: Mapping[str, ApiKey]
    workflow: Workflow


def build_world() -> World:
    """Make it all; the caller's transaction takes it away again."""
    now = datetime.now(UTC)
    workflow, own = _workflow("cards", now=now)
    other, foreign = _workflow("loans", now=now)
    people = _people(workflow, other)
    people[AUTHOR] = User.objects.get(pk=str(own["user_id"]))
    clients = {name: Client() for name in (*EVERYBODY, AUTHOR)}
    for name, person in people.items():
        clients[name].force_login(person)
    return World(
        own, foreign, people, clients, _keys(people, workflow, other), workflow
    )


def _people(workflow: Workflow, other: Workflow) -> dict[str, User]:
    people = {
        name: UserFactory.create(username=f"{name.lower()}-person", password=PASSWORD)
        for name in (*INSIDERS, ROLELESS, STRANGER)
    }
    people[ADMIN] = UserFactory.create(username=ADMIN, is_superuser=True, is_staff=True)
    for letter, role in ROLES.items():
        _give(people[letter], workflow, role)
        _give(people[EVERYTHING], workflow, role)
        _give(people[STRANGER], other, role)
    return people


def _keys(
    people: Mapping[str, User], workflow: Workflow, other: Workflow
) -> dict[str, ApiKey]:
    scopes = dict.fromkeys(people, workflow) | {STRANGER: other}
    return {
        name: ApiKeyFactory.create(owner=person, scope_id=scopes[name].pk)
        for name, person in people.items()
    }


def _give(person: User, workflow: Workflow, role: Role) -> None:
    Membership.objects.create(user=person, scope_id=workflow.pk, role=role)


def _workflow(slug: str, *, now: datetime) -> tuple[Workflow, dict[str, object]]:
    workflow = make_workflow(now=now, slug=slug, name="Payments")
    model = make_champion(workflow, now=now)
    items = _items(workflow, slug, now=now)
    worker = UserFactory.create(username=f"{slug}-worker")
    _give(worker, workflow, Role.REVIEWER)
    decision = _decide(_claim(workflow, worker, now=now), worker, now=now)
    return workflow, {
        "slug": slug,
        "case": _claim(workflow, worker, now=now).pk,
        "decision": decision.pk,
        "item": items[0].pk,
        "external_id": items[0].external_id,
        "model": model.pk,
        "quarantine": QuarantinedItem.objects.get(workflow=workflow).pk,
        "snapshot": _snapshot(workflow, now=now).pk,
        "file_format": "csv",
        "user_id": worker.pk,
        "key_id": ApiKeyFactory.create(owner=worker, scope_id=workflow.pk).pk,
    }


def _items(workflow: Workflow, slug: str, *, now: datetime) -> list[Item]:
    """Store items whose ids the other workflow does not have, and a broken one."""
    rows = [
        {**raw_item(number, now=now), "external_id": f"{slug}-{number}"}
        for number in range(3)
    ]
    store(workflow, [*rows, {"external_id": f"{slug}-broken"}], now=now)
    process_batch(workflow=workflow, limit=10, now=now)
    return list(Item.objects.filter(workflow=workflow).order_by("id"))


def _claim(workflow: Workflow, reviewer: User, *, now: datetime) -> Case:
    case = claim_next_case(
        workflow=workflow, reviewer=reviewer, queues=[Queue.REVIEW], now=now
    )
    assert case is not None
    return case


def _decide(case: Case, reviewer: User, *, now: datetime) -> Decision:
    assert case.lease_token is not None
    return record_decision(
        case_id=case.pk,
        reviewer=reviewer,
        lease_token=case.lease_token,
        judgement=Judgement(label="fraud"),
        now=now,
    ).decision


def _snapshot(workflow: Workflow, *, now: datetime) -> Snapshot:
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now
    )
    assert build_snapshot(snapshot_id=snapshot.pk, clock=timezone.now)
    return snapshot


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is written inside: the next one asks the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@cache
def patterns() -> dict[str, str]:
    """Return the route of every address by its name."""

    def walk(
        found: list[URLPattern | URLResolver], route: str, space: str
    ) -> Iterator[tuple[str, str]]:
        for one in found:
            here = route + str(one.pattern)
            if isinstance(one, URLResolver):
                inner = f"{space}{one.namespace}:" if one.namespace else space
                yield from walk(one.url_patterns, here, inner)
            else:
                yield (f"{space}{one.name}" if one.name else here), here

    return dict(walk(get_resolver().url_patterns, "", ""))


def address(name: str, ids: Mapping[str, object]) -> str:
    """Write the address of a page about what `ids` name."""
    parts = re.findall(r"<(?:\w+:)?(\w+)>", patterns()[name])
    kwargs = {part: ids[part] if part in ids else ids[_thing(name)] for part in parts}
    return reverse(name, kwargs=kwargs)


def _thing(name: str) -> str:
    """Say what the `pk` of an address names: its own first word, mostly."""
    if name == "reviewqueue:review-undo":
        return "decision"
    return name.split(":")[-1].split("-")[0].replace("review", "case")


def expected_in(name: str, allowed: str, *, refused: str = "403") -> dict[str, str]:
    """Write the row of a table out: what each person of the world meets.

    Whose own a thing may be, but is not, finds nothing there.
    """
    own = OWN.get(name, "")
    row = {letter: "yes" if letter in allowed else refused for letter in ROLES}
    row |= dict.fromkeys(own, "404")
    most = "404" if set(allowed) <= set(own) else "yes"
    return row | {EVERYTHING: most, ADMIN: most, ROLELESS: "404", STRANGER: "404"}
