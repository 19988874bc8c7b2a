"""Looks at items and scores: an undisturbed week is fine, a broken upstream is not."""

from datetime import UTC, datetime, timedelta

import pytest

from lifecycle.enums import ReadingVerdict
from lifecycle.models import Alert, Reading
from lifecycle.services.monitors.watch import look_once
from predictions.models import ModelVersion, Workflow
from reviewqueue.models import Notice
from tests.factories.predictions import make_champion, make_workflow
from tests.lifecycle.services.monitors.days import DAY, Features, arrive

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday, midnight
PER_DAY = 60
N_BROKEN = 120  # within so many broken items the right monitor raises an alert
MODEL = (
    "drift_scores",
    "drift_features",
    "missing_values",
    "unknown_values",
    "quarantine",
)


@pytest.fixture
def cards(db: None) -> Workflow:
    """A workflow whose champion has met one whole week, as it learnt."""
    workflow = make_workflow(now=START - timedelta(hours=1))
    make_champion(workflow, now=START - timedelta(hours=1))
    for day in range(7):
        arrive(workflow, START + day * DAY, PER_DAY)
    return workflow


def verdicts(workflow: Workflow, now: datetime) -> dict[str, str]:
    for key in MODEL:
        look_once(workflow=workflow, monitor=key, now=now)
    rows = Reading.objects.filter(workflow=workflow, monitor__in=MODEL)
    return {one.monitor: one.verdict for one in rows.order_by("at")}


def alarmed(workflow: Workflow, now: datetime) -> set[str]:
    return {key for key, said in verdicts(workflow, now).items() if said == "alarm"}


def unit(features: Features) -> Features:
    """Cents in place of euros."""
    return features | {"amount": float(str(features["amount"])) * 100}


def new_category(features: Features) -> Features:
    return features | {"card_present": "wallet"}


def gone(features: Features) -> Features:
    return {key: value for key, value in features.items() if key != "night"}


def renamed(features: Features) -> Features:
    return gone(features) | {"at_night": features["night"]}


def test_undisturbed_week_is_fine(cards: Workflow) -> None:
    found = verdicts(cards, START + 7 * DAY)

    assert found == dict.fromkeys(MODEL, ReadingVerdict.FINE)
    drift = Reading.objects.get(monitor="drift_features")
    assert drift.n == 7 * PER_DAY
    assert drift.data["reference"].endswith("rows that v1 learnt from")
    assert [one["name"] for one in drift.data["features"]] == [
        "amount",
        "card_present",
        "night",
    ]
    assert drift.data["decisions"]["value"] == pytest.approx(0, abs=0.1)


def test_change_of_unit_moves_amount_and_score(cards: Workflow) -> None:
    for day in (7, 8):
        arrive(cards, START + day * DAY, PER_DAY, change=unit)

    assert alarmed(cards, START + 9 * DAY) >= {"drift_features"}

    assert 2 * PER_DAY <= N_BROKEN
    alert = Alert.objects.get(monitor="drift_features")
    assert alert.data["names"] == ["amount"]
    assert "Moved: amount" in alert.says
    # names and shares, no values of items
    told = Notice.objects.get(data__monitor="drift_features")
    assert "names" not in told.data
    [moved] = [
        one
        for one in Reading.objects.get(monitor="drift_features").data["features"]
        if one["verdict"] == "moved"
    ]
    median = next(one for one in moved["changes"] if one["of"] == "0.95")
    assert median["after"] > 10 * median["before"]


def test_new_category_fills_the_quarantine(cards: Workflow) -> None:
    arrive(cards, START + 7 * DAY, PER_DAY, change=new_category)

    found = alarmed(cards, START + 7 * DAY + timedelta(hours=13))

    assert found == {"quarantine"}
    reading = Reading.objects.get(monitor="quarantine")
    # of seven days, to the hour
    assert reading.value == PER_DAY / (7 * PER_DAY)
    assert reading.data["rules"] == {"card_present: value": PER_DAY}


def test_column_gone_is_missing(cards: Workflow) -> None:
    arrive(cards, START + 7 * DAY, PER_DAY, change=gone)

    assert alarmed(cards, START + 7 * DAY + timedelta(hours=13)) == {"missing_values"}
    assert "night: 0 % before" in Alert.objects.get().says.replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_renamed_column_is_missing_and_unknown(cards: Workflow) -> None:
    for day in (7, 8):
        arrive(cards, START + day * DAY, PER_DAY, change=renamed)

    found = alarmed(cards, START + 8 * DAY + timedelta(hours=13))

    assert {"missing_values", "unknown_values"} <= found
    assert "at_night" in Alert.objects.get(monitor="unknown_values").says


def test_other_workflow_stays_silent(cards: Workflow) -> None:
    loans = make_workflow(now=START - timedelta(hours=1), slug="loans")
    make_champion(loans, now=START - timedelta(hours=1))
    for day in range(7):
        arrive(loans, START + day * DAY, PER_DAY)
    for day in (7, 8):
        arrive(cards, START + day * DAY, PER_DAY, change=unit)
        arrive(loans, START + day * DAY, PER_DAY)

    for workflow in (cards, loans):
        verdicts(workflow, START + 9 * DAY)

    assert Alert.objects.filter(workflow=cards).exists()
    assert not Alert.objects.filter(workflow=loans).exists()
    assert not Notice.objects.filter(workflow=loans).exists()


def test_day_of_few_items_says_too_few(db: None) -> None:
    workflow = make_workflow(now=START - timedelta(hours=1))
    make_champion(workflow, now=START - timedelta(hours=1))
    arrive(workflow, START, 9)

    found = verdicts(workflow, START + 7 * DAY)

    assert found == dict.fromkeys(MODEL, ReadingVerdict.TOO_FEW)


def test_part_of_a_week_is_not_compared(cards: Workflow) -> None:
    look_once(workflow=cards, monitor="drift_features", now=START + 6 * DAY)

    reading = Reading.objects.get()
    assert reading.verdict == ReadingVerdict.TOO_FEW
    assert "has not met seven whole days" in reading.says


def test_without_a_training_sample_the_first_week_is_the_reference(
    cards: Workflow,
) -> None:
    ModelVersion.objects.update(reference="")
    for day in range(7, 14):
        arrive(cards, START + day * DAY, PER_DAY)

    look_once(workflow=cards, monitor="drift_features", now=START + 10 * DAY)
    look_once(workflow=cards, monitor="drift_features", now=START + 14 * DAY)

    early, late = Reading.objects.order_by("at")
    assert early.verdict == ReadingVerdict.TOO_FEW
    assert late.verdict == ReadingVerdict.FINE
    assert late.data["reference"] == "the first whole week of v1, from 2 Mar 2026"
