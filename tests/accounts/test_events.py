"""The log of changes of access: who sees what of it, in pages."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import AccessEventKind, Role
from accounts.models import AccessEvent, Scope, User
from accounts.permissions import Permission
from accounts.services import grant_role, note_lockout, set_roles
from accounts.services_keys import create_api_key, revoke_api_key
from accounts.views import events
from tests.factories.accounts import ScopeFactory

LOG = reverse("accounts:member-events", args=["card-fraud"])
SITE = reverse("accounts:user-events")


def lines(client: Client, person: User, url: str = LOG) -> list[tuple[str, str, str]]:
    client.force_login(person)
    shown = client.get(url).context["lines"]
    return [(line.what, line.whom, line.by) for line in shown]


@pytest.fixture
def history(scope: Scope, alice: User, sam: User, erin: User, now: datetime) -> None:
    """A role, another one taken, a key made and revoked, a lockout; one elsewhere."""
    other = ScopeFactory.create(slug="elsewhere")
    grant_role(user=alice, scope=scope, role=Role.ADJUDICATOR, actor=sam, now=now)
    set_roles(user=alice, scope=scope, roles={Role.REVIEWER}, actor=sam, now=now)
    key, _ = create_api_key(
        owner=erin,
        scope=scope,
        name="loader",
        verbs=[Permission.ITEMS_ADD],
        actor=erin,
        now=now,
    )
    revoke_api_key(key=key, actor=erin, now=now)
    note_lockout(user=alice, login="alice", now=now)
    note_lockout(user=None, login="hunter2", now=now)
    grant_role(user=erin, scope=other, role=Role.REVIEWER, actor=None, now=now)


@pytest.mark.usefixtures("history")
def test_workflow_shows_its_own_events_newest_first(client: Client, sam: User) -> None:
    assert lines(client, sam) == [
        ("Sign-in locked after repeated failures", "Alice", ""),
        ("API key revoked", "Erin", "Erin"),
        ("API key created", "Erin", "Erin"),
        ("Role revoked", "Alice", "Sam"),
        ("Role granted", "Alice", "Sam"),
    ]


@pytest.mark.usefixtures("history")
def test_site_shows_all_and_no_name_that_was_mistyped(
    client: Client, root: User
) -> None:
    shown = lines(client, root, SITE)
    page = client.get(SITE).content.decode()

    assert len(shown) == 7
    assert shown[:2] == [
        ("Role granted", "Erin", ""),
        ("Sign-in locked after repeated failures", "an unknown name", ""),
    ]
    assert "hunter2" not in page
    assert "Elsewhere" in page


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("only", "n"), [("roles", 2), ("keys", 2), ("lockouts", 1), ("nonsense", 5)]
)
def test_one_kind_of_event_alone(client: Client, sam: User, only: str, n: int) -> None:
    assert len(lines(client, sam, f"{LOG}?only={only}")) == n


@pytest.mark.usefixtures("history")
def test_key_is_named_and_never_shown(client: Client, audrey: User) -> None:
    client.force_login(audrey)
    details = [line.detail for line in client.get(LOG).context["lines"]]
    prefix = AccessEvent.objects.get(kind=AccessEventKind.KEY_CREATED).data["prefix"]

    assert details[1:3] == [f"{prefix} · loader · 1 verb"] * 2


def test_pages_hold_every_event_once(
    client: Client,
    scope: Scope,
    alice: User,
    sam: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "PAGE_SIZE", 2)
    for number in range(5):
        at = now + timedelta(minutes=number)
        AccessEvent.objects.create(
            kind=AccessEventKind.ROLE_GRANTED,
            subject=alice,
            scope=scope,
            data={"role": Role.REVIEWER},
            at=at,
        )
    client.force_login(sam)
    seen: list[datetime] = []
    cursor = ""
    for _ in range(3):
        context = client.get(f"{LOG}?only=roles&cursor={cursor}").context
        seen += [line.at for line in context["lines"]]
        cursor = context["next"]

    assert seen == [now + timedelta(minutes=number) for number in (4, 3, 2, 1, 0)]
    assert cursor == ""


def test_who_may_read_it(
    client: Client,
    alice: User,
    sam: User,
    erin: User,
    audrey: User,
    mallory: User,
    root: User,
) -> None:
    def statuses(person: User) -> list[int]:
        client.force_login(person)
        return [client.get(url).status_code for url in (LOG, SITE)]

    assert statuses(sam) == [200, 403]
    assert statuses(audrey) == [200, 403]
    assert statuses(erin) == [403, 403]
    assert statuses(alice) == [403, 403]
    assert statuses(mallory) == [404, 403]
    assert statuses(root) == [200, 200]


def test_members_page_leads_to_it(client: Client, sam: User, audrey: User) -> None:
    for person in (sam, audrey):
        client.force_login(person)
        members = reverse("accounts:member-list", args=["card-fraud"])
        assert f'href="{LOG}"' in client.get(members).content.decode()
