"""Nothing tells the second reader what the first one said, before they have read.

Two worlds that differ in the first reading alone are asked for everything that the
second reader may see. Whatever differs between the answers would give it away.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import NoReverseMatch

from accounts.enums import Role
from accounts.models import ApiKey, Scope, User
from accounts.permissions import KEY_PERMISSIONS
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case, Decision
from reviewqueue.services.judging import Judgement
from tests.access_operations import OPERATIONS
from tests.access_table import SITE_PAGES, WORKFLOW_PAGES
from tests.access_world import address, undone
from tests.factories.accounts import MembershipFactory, bearer, key_for
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import claim, open_cases, record
from tests.test_access_api import path_of

pytestmark = pytest.mark.django_db
LABELS = ("fraud", "legitimate")
SITE = ("home", "notices")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
CHANGING = re.compile(r"[A-Za-z0-9]{64}|nonce=\"[^\"]*\"")
# Addresses of one item, its cases and its readings: closed to whoever may judge it,
# whatever else they may do.
OF_ITEMS = (
    "reviewqueue:review",
    "reviewqueue:case-list",
    "reviewqueue:case-detail",
    "reviewqueue:item-list",
    "reviewqueue:item-detail",
    "item_list",
    "item_detail",
    "case_list",
    "case_detail",
    "decision_feed",
)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """One moment for everything: no answer may differ by the time that passes."""
    moment = datetime.now(UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
    return moment


@pytest.fixture
def cases(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    set_policy(workflow, now=now, second_opinion_share=1.0)
    return open_cases(workflow, 2, now=now)


@contextmanager
def read_by(
    first: User, workflow: Workflow, label: str, *, now: datetime
) -> Iterator[Case]:
    """Have a case read with that label, and take it back afterwards."""
    with undone():
        case = claim(workflow, first, now=now)
        record(
            case,
            first,
            Judgement(
                label=label, reason_code="customer_confirmed", note=f"It is {label}."
            ),
            now=now,
        )
        yield case


def answers(
    person: User, key: ApiKey, workflow: Workflow, case: Case, names: Collection[str]
) -> dict[str, str]:
    """Return what a person reads at addresses, without what changes by itself."""
    client, second = Client(), Case.objects.get(item=case.item, kind="second")
    client.force_login(person)
    ids = {"slug": workflow.slug, "item": case.item_id, "case": case.pk}
    ids |= {
        "model": workflow.model_versions.get().pk,
        "external_id": case.item.external_id,
    }
    found: dict[str, str] = {}
    asked = _addresses(ids) | _addresses({**ids, "case": second.pk})
    for path, name in asked.items():
        if name not in names:
            continue
        headers = {} if ":" in name or name in SITE else bearer(key)
        with undone():
            answer = client.get(path, headers=headers)
        if answer.status_code == 200 and not answer.streaming:
            text = CHANGING.sub("", UUID.sub("", answer.content.decode()))
            of = "second" if str(second.pk) in path else "first"
            found[f"{name}, {of}"] = text
    return found


def _addresses(ids: Mapping[str, object]) -> dict[str, str]:
    """Return the names of what can be asked for, by their paths."""
    found: dict[str, str] = {}
    site = [row for row in SITE_PAGES if row[0] in SITE]
    for name, method, _ in (*WORKFLOW_PAGES, *site):
        if method != "GET":
            continue
        try:
            found[address(name, ids)] = name
        except (KeyError, NoReverseMatch):
            continue  # of something that is not there: an alert, an archive
    for name in OPERATIONS:
        try:
            method, path = path_of(name, ids)
        except KeyError:
            continue
        if method == "GET":
            found[path] = name
    return found


def told_apart(
    workflow: Workflow,
    first: User,
    second: User,
    *,
    names: Collection[str],
    now: datetime,
) -> tuple[set[str], int]:
    """Return where two readings make a difference, and how many answers there are."""
    scope = Scope.objects.get(pk=workflow.pk)
    key, _ = key_for(second, scope, KEY_PERMISSIONS)
    seen = []
    for label in LABELS:
        with read_by(first, workflow, label, now=now) as case:
            seen.append(answers(second, key, workflow, case, names))
    one, other = seen
    assert one.keys() == other.keys()
    return {name for name in one if one[name] != other[name]}, len(one)


def test_nothing_tells_a_reviewer_what_the_first_reader_said(
    workflow: Workflow, cases: list[Case], alice: User, bob: User, now: datetime
) -> None:
    pages = {name for name, _, roles in WORKFLOW_PAGES if "R" in roles}
    names = {*pages, *SITE, *(name for name, who in OPERATIONS.items() if "R" in who)}
    apart, n = told_apart(workflow, alice, bob, names=names, now=now)

    assert apart == set()
    assert n >= 15


def test_no_item_tells_it_to_whoever_oversees_and_reads_too(
    workflow: Workflow, cases: list[Case], alice: User, bob: User, now: datetime
) -> None:
    for role in set(Role) - {Role.REVIEWER}:
        MembershipFactory.create(user=bob, scope_id=workflow.pk, role=role)
    names = (*OF_ITEMS, "reviewqueue:dashboard")
    apart, _ = told_apart(workflow, alice, bob, names=names, now=now)

    # Counts are theirs to see, and show that the comparison finds what differs.
    assert apart == {"reviewqueue:dashboard, first"}


def test_after_the_second_reading_both_are_there(
    workflow: Workflow, cases: list[Case], alice: User, bob: User, now: datetime
) -> None:
    with read_by(alice, workflow, "fraud", now=now) as case:
        second = claim(workflow, bob, now=now)
        while second.kind != "second":
            second = claim(workflow, bob, now=now)
        assert second.blind
        record(second, bob, Judgement(label="fraud"), now=now)
        assert Decision.objects.filter(item=case.item).count() == 2
        client = Client()
        client.force_login(bob)
        page = client.get(f"/w/cards/items/{case.item_id}/").content.decode()
        assert "It is fraud." in page
