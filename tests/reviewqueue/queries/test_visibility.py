"""What a blind case hides stays hidden from its reviewers, whatever key they ask by."""

from datetime import datetime

import pytest

from accounts.enums import Role
from accounts.models import Scope, User
from accounts.permissions import Actor, Permission
from predictions.models import ModelVersion, Workflow
from reviewqueue.api.shapes_items import item_story
from reviewqueue.models import Case
from reviewqueue.queries.earlier import earlier_items
from reviewqueue.queries.visibility import hidden_item_ids, is_hidden
from tests.factories.accounts import MembershipFactory, UserFactory, key_for
from tests.factories.predictions import set_policy
from tests.reviewqueue.services.steps import open_cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def blind(workflow: Workflow, champion: ModelVersion, now: datetime) -> list[Case]:
    """Two blind cases that wait."""
    set_policy(workflow, now=now, blind_share=1.0)
    return open_cases(workflow, 2, now=now)


def _by_key(person: User, workflow: Workflow, *verbs: Permission) -> Actor:
    """Return a person who asks by a key with these verbs."""
    scope = Scope.objects.get(pk=workflow.pk)
    key, _ = key_for(person, scope, frozenset(verbs))
    return Actor(person, key)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADJUDICATOR])
@pytest.mark.parametrize(
    "verbs",
    [
        (Permission.ITEMS_VIEW,),
        (Permission.ITEMS_VIEW, Permission.DECISIONS_VIEW),
        (Permission.ITEMS_ADD,),
    ],
)
def test_key_that_only_reads_hides_from_a_judge_what_is_blind(
    workflow: Workflow, blind: list[Case], role: Role, verbs: tuple[Permission, ...]
) -> None:
    judge = UserFactory.create()
    for one in (role, Role.SUPERVISOR):
        MembershipFactory.create(user=judge, scope_id=workflow.pk, role=one)
    reading = _by_key(judge, workflow, *verbs)
    items = [case.item_id for case in blind]

    assert hidden_item_ids(reading, workflow.pk, items) == set(items)
    assert is_hidden(reading, workflow.pk, items[0])


def test_story_and_earlier_items_hide_it_from_the_key_of_a_reviewer(
    workflow: Workflow, blind: list[Case], alice: User
) -> None:
    reading = _by_key(alice, workflow, Permission.ITEMS_VIEW)
    item = blind[0].item

    story = item_story(item, workflow, reading)

    assert story["recommendation_hidden"]
    assert (story["predictions"], story["route"]) == ([], None)
    assert [one["priority"] for one in story["cases"]] == [None]
    assert all(one.is_hidden for one in earlier_items(item, reading))


def test_key_of_the_site_admin_hides_it_too(
    workflow: Workflow, blind: list[Case], root: User
) -> None:
    reading = _by_key(root, workflow, Permission.ITEMS_VIEW)

    assert is_hidden(reading, workflow.pk, blind[0].item_id)


def test_who_judges_nothing_sees_it_by_page_and_by_key(
    workflow: Workflow, blind: list[Case], erin: User
) -> None:
    for actor in (Actor(erin), _by_key(erin, workflow, Permission.ITEMS_VIEW)):
        assert not is_hidden(actor, workflow.pk, blind[0].item_id)
