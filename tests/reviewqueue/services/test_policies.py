from datetime import datetime
from math import nan

import pytest

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import Policy
from reviewqueue.services.policies import (
    InvalidPolicy,
    PolicyTerms,
    first_policy,
    put_policy,
)

pytestmark = pytest.mark.django_db


def terms(**changes: object) -> PolicyTerms:
    values: dict[str, object] = {
        "mode": "above",
        "low": 0.2,
        "high": 1.0,
        "audit_share": 0.1,
        "blind_share": 0.05,
        "second_opinion_share": 0.02,
    }
    return PolicyTerms(**(values | changes))  # type: ignore[arg-type]


def test_put_appends_the_next_version_with_its_own_seed(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    policy = put_policy(
        workflow=workflow, terms=terms(), by=sam, reason="less work", now=now
    )

    first = Policy.objects.get(version=1)
    assert (policy.version, policy.created_by, policy.reason) == (2, sam, "less work")
    assert (policy.mode, policy.low, policy.audit_share) == ("above", 0.2, 0.1)
    assert first.mode == "all"
    assert first.seed != policy.seed
    assert 0 <= policy.seed < 2**63


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"mode": "some"}, "mode", "value"),
        ({"low": -0.1}, "low", "range"),
        ({"low": nan}, "low", "range"),
        ({"high": 1.1}, "high", "range"),
        ({"audit_share": 0.0}, "audit_share", "range"),
        ({"audit_share": nan}, "audit_share", "range"),
        ({"blind_share": 1.5}, "blind_share", "range"),
        ({"second_opinion_share": -1.0}, "second_opinion_share", "range"),
        ({"low": 0.9, "high": 0.8}, "low", "above_high"),
    ],
)
def test_put_names_what_is_wrong(
    workflow: Workflow,
    now: datetime,
    changes: dict[str, object],
    field: str,
    rule: str,
) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        put_policy(
            workflow=workflow, terms=terms(**changes), by=None, reason="", now=now
        )

    assert (field, rule) in [(e.field, e.rule) for e in refused.value.errors]
    assert Policy.objects.count() == 1


def test_first_policy_starts_once(workflow: Workflow, now: datetime) -> None:
    put_policy(workflow=workflow, terms=terms(), by=None, reason="", now=now)

    assert first_policy(workflow=workflow, by=None, now=now).version == 2
    assert Policy.objects.count() == 2
