"""Readings go after their days; what people look at stays, and items stay whole."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import User
from predictions.declaration import DeclarationError, parse_declaration
from predictions.models import (
    Item,
    ItemWindow,
    Prediction,
    ReadingRemoval,
    SeriesReading,
    Workflow,
)
from predictions.services.moments import moments_of
from reviewqueue.enums import CaseStatus
from reviewqueue.models import Case
from reviewqueue.services.pipeline import process_batch
from reviewqueue.services.reading_retention import remove_old_readings
from tests.factories.series import (
    DECLARATION,
    hour_of,
    items_of,
    make_series_champion,
    make_series_workflow,
    send,
)
from tests.reviewqueue.services.steps import claim, decide

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = DECLARATION.replace("visit_cost = 60", "visit_cost = 60\nkeep_days = 7")


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    """Readings of 8:00 to 12:55 the day before, kept for a week."""
    workflow = make_series_workflow(now=now, source=KEPT)
    send(workflow, hour_of(T0, [40.0] * 60), now=now)
    return workflow


def test_they_go_by_whole_days_once_moment_and_arrival_are_old(
    workflow: Workflow, now: datetime
) -> None:
    # The arrival was on the 2nd at 9:00.
    kept = remove_old_readings(workflow=workflow, now=now + 7 * DAY)
    gone = remove_old_readings(workflow=workflow, now=now + 7 * DAY + DAY / 24)

    assert (kept, gone) == (0, 60)
    row = ReadingRemoval.objects.get()
    assert (row.n_readings, row.keep_days) == (60, 7)
    assert (row.until, row.at) == (
        datetime(2026, 3, 2, tzinfo=UTC),
        now + 7 * DAY + DAY / 24,
    )
    assert remove_old_readings(workflow=workflow, now=now + 9 * DAY) == 0


def test_items_keep_what_was_measured(workflow: Workflow, now: datetime) -> None:
    before = [one.features for one in items_of(workflow)]

    remove_old_readings(workflow=workflow, now=now + 9 * DAY)

    assert [one.features for one in items_of(workflow)] == before
    assert ItemWindow.objects.count() == len(before)
    assert not SeriesReading.objects.exists()


def test_the_window_of_an_open_case_stays_and_what_came_after_it(
    workflow: Workflow, alice: User, now: datetime
) -> None:
    process_batch(workflow=workflow, limit=50, now=now)
    # All but the item of 11:00 are decided.
    looked_at = Case.objects.get(item__external_id="mill-1@2026-03-01T11:00:00Z")
    others = Case.objects.exclude(pk=looked_at.pk)
    others.update(status=CaseStatus.WITHDRAWN, closed_at=now)

    held = remove_old_readings(workflow=workflow, now=now + 9 * DAY)
    decide(claim(workflow, alice, now=now), alice, now=now, label="running")
    rest = remove_old_readings(workflow=workflow, now=now + 10 * DAY)

    assert (held, rest) == (24, 36)
    assert ReadingRemoval.objects.order_by("at")[0].until == T0 + timedelta(hours=2)


def test_without_days_they_stay_for_ever(now: datetime) -> None:
    workflow = make_series_workflow(now=now)
    send(workflow, hour_of(T0, [40.0] * 60), now=now)

    assert remove_old_readings(workflow=workflow, now=now + 9999 * DAY) == 0


def test_days_are_no_less_than_what_a_window_needs() -> None:
    long = KEPT.replace("window_minutes = 60", "window_minutes = 10064")

    parsed = parse_declaration(long).series

    assert parsed is not None
    assert parsed.keep_days == 7
    with pytest.raises(DeclarationError) as refused:
        parse_declaration(long.replace("step_minutes = 15", "step_minutes = 16"))
    assert "keep_days is below" in str(refused.value.errors)


def test_what_is_sent_again_is_late_and_goes_again(
    workflow: Workflow, now: datetime
) -> None:
    later = now + 9 * DAY
    remove_old_readings(workflow=workflow, now=later)

    # The last window was not closed yet.
    again = send(workflow, hour_of(T0, [40.0] * 60), now=later)

    assert (again.accepted, again.late, again.items) == (60, 57, 0)
    assert remove_old_readings(workflow=workflow, now=later + 6 * DAY) == 0
    assert remove_old_readings(workflow=workflow, now=later + 8 * DAY) == 60


def test_the_database_lets_none_go_of_which_nothing_tells(
    workflow: Workflow, now: datetime
) -> None:
    with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
        SeriesReading.objects.all().delete()

    assert SeriesReading.objects.count() == 60


def test_the_page_of_an_old_item_says_when_they_were_removed(
    workflow: Workflow, sam: User, client: Client, now: datetime
) -> None:
    process_batch(workflow=workflow, limit=50, now=now)
    Case.objects.update(status=CaseStatus.WITHDRAWN, closed_at=now)
    item = Item.objects.get(external_id="mill-1@2026-03-01T09:00:00Z")
    client.force_login(sam)
    address = f"/w/mills/items/{item.pk}/"
    before = client.get(address).content.decode()

    remove_old_readings(workflow=workflow, now=now + 9 * DAY)
    page = client.get(address).content.decode()

    assert "Torque: 12 readings" in before
    assert "removed on" not in before
    assert "These readings were removed on 11 March 2026" in page
    assert "Torque: 12 readings" not in page
    assert "The same as a table" not in page
    assert "Torque, mean" in page


def test_moments_are_not_looked_for_in_what_is_left(
    workflow: Workflow, now: datetime
) -> None:
    make_series_champion(workflow, now=now)
    process_batch(workflow=workflow, limit=50, now=now)
    Case.objects.update(status=CaseStatus.WITHDRAWN, closed_at=now)
    prediction = Prediction.objects.filter(item__workflow=workflow)[0]

    remove_old_readings(workflow=workflow, now=now + 9 * DAY)

    assert moments_of(prediction, now=now) == []
