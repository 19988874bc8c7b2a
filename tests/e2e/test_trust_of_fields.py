"""The trust pages with fields: fit for everybody, and a field granted on them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from predictions.models import Workflow
from reviewqueue.models import TrustMove
from tests.e2e.conftest import OpenPage
from tests.e2e.test_fields import faults
from tests.reviewqueue.services.parts_steps import (
    needed_in,
    review_fields,
    segment_of,
    step_down,
    trusted,
)
from tests.reviewqueue.services.trust_steps import route

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_field_is_granted_on_the_page_that_shows_all_parts(
    open_page: OpenPage,
    workflow: Workflow,
    settings: Any,  # noqa: ANN401 -- a fixture
    alice: User,
    sam: User,
    now: datetime,
) -> None:
    then = now - timedelta(minutes=5)
    with trusted(
        workflow, settings, now=then, tolerated_fields={"torque": 0.25}
    ) as fields:
        torque = segment_of(fields, "torque")
        n = max(needed_in(torque, errors=1), needed_in(segment_of(fields)))
        route(fields, n - 1, start=300, now=then)
        review_fields(fields, alice, n, now=then, fields={"torque": 40}, n_wrong=1)
        step_down(fields, segment_of(fields), sam, now=then)
        page = open_page(sam, f"/w/{fields.slug}/trust/")
        assert faults(page) == []
        page.get_by_role("link", name="Grant 50 % …").click()
        expect(page.get_by_label("Reason")).to_be_visible()
        assert faults(page) == []
        page.get_by_label("Reason").fill("clean")
        page.keyboard.press("Enter")
        expect(
            page.get_by_text("Granted: for items routed from now on.")
        ).to_be_visible()
        page.goto(f"/w/{fields.slug}/trust/plan/")
        assert faults(page) == []
        page.goto(f"/w/{fields.slug}/trust/what-if/")
        assert faults(page) == []

    assert TrustMove.objects.latest("id").segment == torque
