"""The list of notices and the bell that counts what a person has not read."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.models import Notice, NoticeRead
from reviewqueue.services.notices import notify
from tests.factories.predictions import make_workflow

pytestmark = pytest.mark.django_db
LIST = "/w/cards/notices/"
READ = "/w/cards/notices/read/"
BELL = 'aria-label="Notices, {} not read"'


def tell(workflow: Workflow, text: str, **more: NoticeKind) -> Notice:
    kind = more.get("kind", NoticeKind.GRANTED)
    return notify(
        workflow=workflow, kind=kind, text=text, data={}, now=datetime.now(UTC)
    )


@pytest.fixture
def web(client: Client, workflow: Workflow, sam: User) -> Client:
    client.force_login(sam)
    return client


def page(web: Client, path: str = LIST) -> str:
    answer = web.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_nothing_was_told_yet(web: Client) -> None:
    found = page(web)

    assert "Nothing to tell" in found
    assert 'aria-label="Notices"' in found
    assert "Mark all as read" not in found


def test_notices_are_listed_newest_first_and_new_ones_are_marked(
    web: Client, workflow: Workflow
) -> None:
    first = tell(workflow, "First.")
    tell(workflow, "<b>Second</b>")
    web.post(READ, {"upto": str(first.pk)})

    found = page(web)

    assert found.index("&lt;b&gt;Second") < found.index("First.")
    assert found.count(">new<") == 1
    assert BELL.format(1) in found


def test_bell_counts_on_every_page_of_the_workflow(
    web: Client, workflow: Workflow
) -> None:
    for _ in range(101):
        tell(workflow, "Told.")

    assert BELL.format("99+") in page(web, "/w/cards/dashboard/")


def test_reading_all_empties_the_bell_for_this_person_alone(
    web: Client, workflow: Workflow, erin: User
) -> None:
    tell(workflow, "First.")
    newest = tell(workflow, "Second.")

    answer = web.post(READ, {"upto": str(newest.pk)})

    assert answer.status_code == 302
    found = page(web)
    assert 'aria-label="Notices"' in found
    assert ">new<" not in found
    web.force_login(erin)
    assert BELL.format(2) in page(web)


@pytest.mark.parametrize("upto", ["", "nothing"])
def test_reading_up_to_nothing_changes_nothing(
    web: Client, workflow: Workflow, upto: str
) -> None:
    tell(workflow, "First.")

    assert web.post(READ, {"upto": upto}).status_code == 302

    assert not NoticeRead.objects.exists()


def test_reading_up_to_a_notice_of_another_workflow_is_not_found(
    web: Client, now: datetime
) -> None:
    other = tell(make_workflow(now=now, slug="loans"), "Other.")

    assert web.post(READ, {"upto": str(other.pk)}).status_code == 404


def test_notices_of_one_kind(web: Client, workflow: Workflow) -> None:
    tell(workflow, "Up.")
    tell(workflow, "Gone.", kind=NoticeKind.WITHDRAWN)

    found = page(web, LIST + "?kind=autonomy.withdrawn")

    assert "Gone." in found
    assert "Up." not in found


def test_reviewer_has_no_bell(client: Client, workflow: Workflow, alice: User) -> None:
    client.force_login(alice)

    assert 'class="bell"' not in page(client, "/w/cards/review/")
