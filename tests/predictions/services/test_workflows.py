from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.declaration import DeclarationError
from predictions.models import Workflow, WorkflowVersion
from predictions.services.workflows import (
    Overtaken,
    create_workflow,
    declare_workflow,
)
from tests.factories.predictions import DECLARATION

pytestmark = pytest.mark.django_db
SOURCE = DECLARATION.format(slug="cards", name="Cards")


def test_declare_creates_a_workflow_with_its_scope_and_first_version(
    erin: User, now: datetime
) -> None:
    source = DECLARATION.format(slug="fresh", name="Fresh")

    created, changes = declare_workflow(source_toml=source, by=erin, now=now)

    assert changes == ["created"]
    assert (created.scope.slug, created.pk) == ("fresh", created.scope.pk)
    version = WorkflowVersion.objects.get(workflow=created)
    assert (version.version, version.created_by, version.source_toml) == (
        1,
        erin,
        source,
    )


def test_declare_the_same_again_changes_nothing(
    workflow: Workflow, now: datetime
) -> None:
    again, changes = declare_workflow(
        source_toml=SOURCE, by=None, now=now + timedelta(days=1)
    )

    assert (again.pk, again.version, changes) == (workflow.pk, 1, [])
    assert WorkflowVersion.objects.filter(workflow=workflow).count() == 1


def test_declare_a_change_keeps_both_versions(
    workflow: Workflow, now: datetime
) -> None:
    later = now + timedelta(days=1)
    source = SOURCE.replace("false_negative = 80", "false_negative = 90")

    changed, changes = declare_workflow(source_toml=source, by=None, now=later)

    assert changed.version == 2
    assert changed.declaration.costs.false_negative == 90
    assert Workflow.objects.get(pk=workflow.pk).declaration.costs.false_negative == 90
    assert changes == ["costs false_negative changed from 80.0 to 90.0"]
    versions = WorkflowVersion.objects.filter(workflow=workflow)
    assert sorted(versions.values_list("version", flat=True)) == [1, 2]


def test_text_written_with_an_older_version_in_sight_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    dearer = SOURCE.replace("false_negative = 80", "false_negative = 90")
    slower = SOURCE.replace("review_minute = 1", "review_minute = 2.5")
    declare_workflow(source_toml=dearer, by=None, now=now, seen_version=1)

    with pytest.raises(Overtaken, match="version: not_in_force") as caught:
        declare_workflow(source_toml=slower, by=None, now=now, seen_version=1)

    assert caught.value.in_force == 2
    assert caught.value.differences == [
        "costs false_negative changed from 90.0 to 80.0",
        "costs review_minute changed from 1.0 to 2.5",
    ]
    # Said twice, as a double click says it, it is in force already.
    _, changes = declare_workflow(source_toml=dearer, by=None, now=now, seen_version=1)
    assert changes == []
    assert Workflow.objects.get(pk=workflow.pk).version == 2


def test_declare_under_another_slug_is_refused(
    workflow: Workflow, now: datetime
) -> None:
    with pytest.raises(DeclarationError, match="slug"):
        declare_workflow(source_toml=SOURCE, by=None, now=now, slug="other")


def test_create_refuses_a_slug_that_is_taken(workflow: Workflow, now: datetime) -> None:
    with pytest.raises(DeclarationError, match="slug: taken"):
        create_workflow(source_toml=SOURCE, by=None, now=now)

    assert WorkflowVersion.objects.count() == 1
