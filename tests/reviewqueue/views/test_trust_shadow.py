"""The trust page offers what a new champion may start at, and grants it."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Segment, TrustMove
from reviewqueue.services.trust_overview import trust_overview
from reviewqueue.services.trust_watch import watch_trust
from tests.reviewqueue.services.shadow_steps import (
    DAY,
    cut_new,
    main_segment,
    review_all,
    run_beside,
)


@pytest.fixture
def clock() -> datetime:
    """Pages read the clock: the version was promoted just now."""
    return timezone.now() - timedelta(minutes=2)


@pytest.fixture
def offered(
    workflow: Workflow, champion: ModelVersion, alice: User, clock: datetime
) -> Segment:
    """A new champion's segment that may start at 10 %."""
    beside = run_beside(workflow, now=clock - DAY)
    review_all(workflow, alice, n_wrong=1, now=clock - DAY)
    cut_new(workflow, beside, now=clock)
    watch_trust(workflow=workflow, now=clock)
    return main_segment(workflow)


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_start_is_offered_with_its_consequences_and_granted(
    client: Client, workflow: Workflow, offered: Segment, sam: User
) -> None:
    client.force_login(sam)
    base = f"/w/{workflow.slug}/trust/"
    n = offered.shadow["reviews"]
    text = page_of(client, base)
    assert "Grant 10" in text
    assert "May start at 10" in text
    assert f"{n} items judged in shadow, 1 error, bound" in text
    assert "against 25 % tolerated" in text.replace("\xa0", " ")

    address = f"{base}{offered.pk}/grant/"
    form = client.get(address).context["form"]
    assert (form["level"].value(), form["cause"].value()) == (0, "shadow")
    assert "judged in shadow" in page_of(client, address)
    asked = {"level": 0, "cause": "shadow", "reason": "as good as the last"}
    granted, again = (client.post(address, asked) for _ in range(2))

    assert (granted.status_code, again.status_code) == (302, 409)
    move = TrustMove.objects.get()
    assert (move.cause, move.by, move.to_probability) == ("shadow", sam, 0.1)
    text = page_of(client, base)
    assert "May start" not in text
    assert f"1 wrong of {n}, bound" in text


def test_own_evidence_alone_does_not_grant_what_shadow_evidence_does(
    client: Client, workflow: Workflow, offered: Segment, sam: User
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/trust/{offered.pk}/grant/"

    refused = client.post(address, {"level": 0, "reason": "x", "cause": "evidence"})
    unknown = client.post(address, {"level": 0, "reason": "x", "cause": "hope"})

    assert (refused.status_code, unknown.status_code) == (409, 422)
    assert not TrustMove.objects.exists()


def test_what_it_passes_is_bounded_by_what_was_seen_in_shadow(
    client: Client, workflow: Workflow, offered: Segment, sam: User
) -> None:
    client.force_login(sam)
    address = f"/w/{workflow.slug}/trust/{offered.pk}/grant/"
    client.post(address, {"level": 0, "reason": "x", "cause": "shadow"})

    overview = trust_overview(workflow, now=timezone.now())

    own = next(one for one in overview.standings if one.assessed.segment == offered)
    assert own.assessed.standing.bound == 1
    bound = offered.shadow["bound"]
    assert own.bound == bound
    assert overview.passed.at_most == pytest.approx(own.traffic.n * 0.9 * bound)
