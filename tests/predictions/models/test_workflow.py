"""A workflow's declaration is parsed once, and is never that of another moment."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from predictions.models import Workflow
from predictions.models import workflow as module
from predictions.services.workflows import declare_workflow
from tests.factories.predictions import DECLARATION

pytestmark = pytest.mark.django_db


def declared(name: str, *, now: datetime) -> Workflow:
    text = DECLARATION.format(slug="cards", name=name)
    return declare_workflow(source_toml=text, by=None, now=now)[0]


def light() -> Workflow:
    return Workflow.objects.defer("declaration_json").get(slug="cards")


def test_it_is_read_from_the_database_only_while_it_is_not_known(
    now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    declared("Cards", now=now)
    assert light().declaration.name == "Cards"

    with django_assert_num_queries(1):
        assert light().declaration.name == "Cards"


def test_a_declaration_that_was_rolled_back_is_not_remembered(now: datetime) -> None:
    declared("Cards", now=now)
    with transaction.atomic():
        assert declared("Never", now=now + timedelta(1)).declaration.name == "Never"
        transaction.set_rollback(True)

    assert light().declaration.name == "Cards"
    assert declared("Payments", now=now + timedelta(2)).version == 2
    assert light().declaration.name == "Payments"


def test_one_that_changed_meanwhile_is_read_whole(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared("Cards", now=now)
    held = light()
    declared("Payments", now=now + timedelta(1))
    monkeypatch.setattr(module, "_parsed", {})  # another process knows neither

    assert held.declaration.name == "Payments"
    assert held.version == 2
    assert light().declaration.name == "Payments"
