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
from accounts.models import ApiKey, Membership, Site, User
from accounts.services_sites import declare_sites
from predictions.enums import KeptPurpose
from predictions.models import (
    Item,
    Machine,
    MachineFailure,
    MediaFile,
    QuarantinedItem,
    Workflow,
)
from reviewqueue.enums import NoticeKind
from reviewqueue.models import GoldItem, Snapshot
from reviewqueue.queries.snapshot_rows import SnapshotFilters
from reviewqueue.services.gold import GoldRow, add_gold_rows
from reviewqueue.services.notices import notify
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.snapshots import build_snapshot, request_snapshot
from reviewqueue.services.webhooks import add_webhook
from tests.access_table import BY_SITE, OWN, ROLES
from tests.factories.accounts import PASSWORD, ApiKeyFactory, UserFactory
from tests.factories.media import (
    make_media_workflow,
    media_row,
    read_archive_row,
    sound_file,
    upload_row,
)
from tests.factories.predictions import make_champion, raw_item, store
from tests.factories.series import kept_row
from tests.lifecycle.alarms import raised
from tests.lifecycle.gate_reports import gate_report_of
from tests.lifecycle.training_steps import ask as ask_run
from tests.reviewqueue.models.trust_rows import make_segment
from tests.reviewqueue.services.steps import claim, decide

NOBODY = "nobody"
STRANGER = "stranger"  # every role in another workflow
ROLELESS = "roleless"  # an account, and no role anywhere
ADMIN = "admin"
EVERYTHING = "everything"  # every role in the workflow
LIMITED = "limited"  # every role, limited to the site of all that there is
ELSEWHERE = "elsewhere"  # every role, limited to another site
AUTHOR = "author"  # the reviewer who made the decision
INSIDERS = (*ROLES, EVERYTHING)
EVERYBODY = (*INSIDERS, LIMITED, ELSEWHERE, ROLELESS, STRANGER, ADMIN, NOBODY)
SITE = "cards-north"


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
        for name in (*INSIDERS, LIMITED, ELSEWHERE, ROLELESS, STRANGER)
    }
    people[ADMIN] = UserFactory.create(username=ADMIN, is_superuser=True, is_staff=True)
    for letter, role in ROLES.items():
        _give(people[letter], workflow, role)
        _give(people[EVERYTHING], workflow, role)
        _give(people[STRANGER], other, role)
        _give(people[LIMITED], workflow, role, SITE)
        _give(people[ELSEWHERE], workflow, role, "cards-south")
    return people


def _keys(
    people: Mapping[str, User], workflow: Workflow, other: Workflow
) -> dict[str, ApiKey]:
    scopes = dict.fromkeys(people, workflow) | {STRANGER: other}
    return {
        name: ApiKeyFactory.create(owner=person, scope_id=scopes[name].pk)
        for name, person in people.items()
    }


def _give(person: User, workflow: Workflow, role: Role, *sites: str) -> None:
    limit = Site.objects.filter(scope_id=workflow.pk, key__in=sites)
    site_ids = list(limit.values_list("pk", flat=True)) if sites else None
    Membership.objects.create(
        user=person, scope_id=workflow.pk, role=role, site_ids=site_ids
    )


def _workflow(slug: str, *, now: datetime) -> tuple[Workflow, dict[str, object]]:
    workflow = make_media_workflow(now=now, slug=slug, name="Payments")
    model = make_champion(workflow, now=now)
    names = {f"{slug}-north": "North", f"{slug}-south": "South"}
    sites = declare_sites(scope=workflow.scope, names=names, actor=None, now=now)
    media = media_row(workflow, now=now)
    items = _items(workflow, slug, media, now=now)
    worker = UserFactory.create(username=f"{slug}-worker")
    _give(worker, workflow, Role.REVIEWER)
    _give(worker, workflow, Role.ENGINEER)  # who sends files has one of their own
    case = claim(workflow, worker, now=now)
    decision = decide(case, worker, now=now, label="fraud").decision
    return workflow, {
        "slug": slug,
        "case": claim(workflow, worker, now=now).pk,
        "decision": decision.pk,
        "item": items[0].pk,
        "media": media.pk,
        "derivative": "thumbnail",
        "archive": read_archive_row(workflow, now=now).pk,
        "upload": upload_row(workflow, now=now).pk,
        "kept": kept_row(workflow, b"machine,at\n", by=worker, now=now).pk,
        "failures": kept_row(
            workflow,
            b"machine,at\n",
            by=worker,
            now=now,
            purpose=KeptPurpose.FAILURES,
        ).pk,
        "failure": _failure(workflow, sites[0], now=now).pk,
        "external_id": items[0].external_id,
        "model": model.pk,
        "gate": gate_report_of(model, now=now).pk,
        "trust": make_segment(workflow, model, now=now).pk,
        "gold": _gold(workflow, items[-1], by=worker, now=now).pk,
        "quarantine": QuarantinedItem.objects.get(workflow=workflow).pk,
        "snapshot": (snapshot := _snapshot(workflow, now=now)).pk,
        "training": ask_run(workflow, snapshot, now=now).pk,
        "file_format": "csv",
        "site_id": sites[0].pk,
        "key": sites[0].key,
        **_told(workflow, worker, now=now),
        "alert": raised(workflow, now=now).pk,
        "user_id": worker.pk,
        "key_id": ApiKeyFactory.create(owner=worker, scope_id=workflow.pk).pk,
    }


def _failure(workflow: Workflow, site: Site, *, now: datetime) -> MachineFailure:
    key = f"{workflow.slug}-mill"
    mill = Machine.objects.create(workflow=workflow, key=key, site=site, created_at=now)
    return MachineFailure.objects.create(machine=mill, at=now, received_at=now)


def _gold(workflow: Workflow, item: Item, *, by: User, now: datetime) -> GoldItem:
    row = GoldRow(1, item.external_id, "fraud")
    return add_gold_rows(workflow=workflow, rows=[row], by=by, now=now).added[0]


def _items(
    workflow: Workflow, slug: str, media: MediaFile, *, now: datetime
) -> list[Item]:
    """Store items whose ids the other workflow does not have, and a broken one.

    All have the same image and the same sound.
    """
    sound = media_row(workflow, sound_file(), now=now)
    has = {"image": str(media.pk), "voice": str(sound.pk)}
    rows = [
        {
            **raw_item(number, now=now),
            "external_id": f"{slug}-{number}",
            "site": f"{slug}-north",
            "media": has,
        }
        for number in range(3)
    ]
    store(
        workflow,
        [*rows, {"external_id": f"{slug}-broken", "site": f"{slug}-north"}],
        now=now,
    )
    process_batch(workflow=workflow, limit=10, now=now)
    return list(Item.objects.filter(workflow=workflow).order_by("id"))


def _told(workflow: Workflow, worker: User, *, now: datetime) -> dict[str, object]:
    """Tell of something, to a web-hook to which nothing is sent."""
    hook = add_webhook(
        workflow=workflow,
        url=f"https://{workflow.slug}.example.org/hook",
        kinds=[],
        by=worker,
        now=now,
    )
    notice = notify(
        workflow=workflow,
        kind=NoticeKind.GRANTED,
        text="A segment was granted.",
        data={},
        now=now,
    )
    delivery = notice.deliveries.get()
    return {"webhook": hook.pk, "delivery": delivery.pk}


def _snapshot(workflow: Workflow, *, now: datetime) -> Snapshot:
    snapshot = request_snapshot(
        workflow=workflow, filters=SnapshotFilters(), by=None, now=now
    )
    assert build_snapshot(snapshot_id=snapshot.pk, clock=timezone.now)
    return snapshot


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is written inside: the next one asks the same world."""
    block = transaction.atomic()
    # What must not be inside of another transaction may be in a test's.
    block._from_testcase = True  # type: ignore[attr-defined]  # as Django's own do
    with block:
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


def expected_in(
    name: str, allowed: str, *, refused: str = "403", is_about: bool
) -> dict[str, str]:
    """Write the row of a table out: what each person of the world meets.

    Whose own a thing may be, but is not, finds nothing there; nor does whoever is
    limited to another site than that of the thing that the address `is_about`.
    """
    own = OWN.get(name, "")
    row = {letter: "yes" if letter in allowed else refused for letter in ROLES}
    row |= dict.fromkeys(own, "404")
    most = "404" if set(allowed) <= set(own) else "yes"
    row[LIMITED] = most if name in BY_SITE else "403"
    row[ELSEWHERE] = row[LIMITED]
    if name in BY_SITE and is_about:
        row[ELSEWHERE] = "404"
    return row | {EVERYTHING: most, ADMIN: most, ROLELESS: "404", STRANGER: "404"}
