"""What the desk shows when requests of one person cross."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Case
from reviewqueue.services.claims import claim_next_case
from reviewqueue.views import desk
from tests.reviewqueue.services.steps import open_cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The pages' clock is the real one."""
    return datetime.now(UTC)


def test_case_prefetched_meanwhile_is_shown_not_called_somebody_elses(
    client: Client,
    workflow: Workflow,
    champion: ModelVersion,
    alice: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_cases(workflow, 1, now=now)
    client.force_login(alice)

    def passed_over(**asked: object) -> None:
        # The prefetch has it locked, and commits just afterwards.
        claim_next_case(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "claim_next_case", passed_over)
    page = client.get("/w/cards/review/").content.decode()

    assert "Others hold what is left" not in page
    assert Case.objects.get().item.external_id in page
