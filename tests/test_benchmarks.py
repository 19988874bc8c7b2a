"""The worlds that benchmarks measure in fit the tables as they are today."""

import importlib
import os
from datetime import UTC, datetime

import pytest

import benchmarks
from benchmarks.million import three_months
from benchmarks.trust_world import earned
from predictions.models import Item
from reviewqueue.models import Decision, Observation

pytestmark = pytest.mark.django_db(transaction=True)


def test_three_months_are_made_in_small() -> None:
    workflow = three_months(200, until=datetime.now(UTC))

    assert Item.objects.filter(workflow=workflow).count() == 200
    assert Decision.objects.filter(workflow=workflow).count() == 190


def test_a_workflow_that_earned_autonomy_is_made_in_small() -> None:
    workflow = earned(2_000, until=datetime.now(UTC))

    assert Item.objects.filter(workflow=workflow).count() == 2_000
    assert Observation.objects.exists()


def test_environment_of_who_imports_them_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.delenv("DATABASE_POOL_SIZE", raising=False)

    importlib.reload(benchmarks)

    assert not {"LOG_LEVEL", "DATABASE_POOL_SIZE"} & os.environ.keys()
