"""Gates and waivers before each stage."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from predictions.enums import Stage
from predictions.models import ModelEvent, ModelVersion, Workflow
from predictions.services.promotion import (
    GateWordRefused,
    GateWordTooLate,
    waive,
)
from predictions.services.registry import roll_back
from tests.factories.predictions import make_model
from tests.lifecycle.guards import (
    NO_WORSE,
    RECALL,
    SCHEMA,
    TWO,
    declare,
    move,
    refusal,
    report_of,
)

pytestmark = pytest.mark.django_db


def test_without_gates_nothing_is_asked(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)

    move(version, Stage.SHADOW, now)
    move(version, Stage.CHALLENGER, now)
    move(version, Stage.CHAMPION, now)

    version.refresh_from_db()
    assert version.stage == Stage.CHAMPION


@pytest.mark.parametrize("to", [Stage.SHADOW, Stage.CHAMPION])
def test_a_report_is_needed_for_every_step_up(
    workflow: Workflow, now: datetime, to: Stage
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)

    assert refusal(version, to, now) == (
        "gate_report",
        "v1 was not held against the gates yet.",
    )

    report_of(version, now)
    move(version, to, now)


@pytest.mark.parametrize("verdict", ["failed", "too_few"])
def test_the_first_gate_that_did_not_pass_is_named_with_all_figures(
    workflow: Workflow, now: datetime, verdict: str
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA, RECALL.format(0.9))
    report_of(version, now, recall_at_least=verdict)

    assert refusal(version, Stage.SHADOW, now) == (
        "recall_at_least",
        "recall_at_least says so.",
    )


def test_the_newest_report_counts(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    report_of(version, now)
    report_of(version, now + timedelta(hours=1), schema_match="failed")

    assert refusal(version, Stage.SHADOW, now)[0] == "schema_match"


def test_gates_changed_since_the_report_ask_for_another(
    workflow: Workflow, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.8))
    report_of(version, now)
    declare(workflow, now, RECALL.format(0.9))

    gate, words = refusal(version, Stage.SHADOW, now)

    assert gate == "gate_report"
    assert words.startswith("The gates were changed since the newest report")


def test_a_slice_that_means_something_else_asks_for_another_report(
    workflow: Workflow, now: datetime
) -> None:
    part = '[[slices]]\nname = "Small"\nfeature = "amount"\nmaximum = {}\n'
    gate = '[[gates]]\nkind = "no_worse_than_champion"\nbound = 0.1\n'
    named = gate + 'segments = ["Small"]\n'
    version = make_model(workflow, now=now)
    declare(workflow, now, part.format(50), named)
    report_of(version, now)
    declare(workflow, now, part.format(500), named)

    assert refusal(version, Stage.SHADOW, now)[0] == "gate_report"


def test_a_report_against_another_champion_is_out_of_date(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    version, other = make_model(workflow, now=now), make_model(workflow, now=now)
    declare(workflow, now, NO_WORSE)
    for one in (version, other):
        report_of(one, now, champion=champion)
    move(other, Stage.CHAMPION, now)

    gate, words = refusal(version, Stage.SHADOW, now)

    assert gate == "gate_report"
    assert "v3 is champion now, and the newest report compares with v1" in words
    report_of(version, now + timedelta(hours=1), champion=other)
    move(version, Stage.SHADOW, now)


def test_a_step_down_asks_for_nothing(workflow: Workflow, now: datetime) -> None:
    version = make_model(workflow, now=now)
    move(version, Stage.SHADOW, now)
    move(version, Stage.CHALLENGER, now)
    declare(workflow, now, SCHEMA)

    move(version, Stage.SHADOW, now)
    move(version, Stage.CANDIDATE, now)
    move(version, Stage.RETIRED, now)


def test_a_rollback_asks_for_nothing_and_a_move_out_of_retirement_does(
    workflow: Workflow, champion: ModelVersion, now: datetime
) -> None:
    second = make_model(workflow, now=now)
    move(second, Stage.CHAMPION, now)
    declare(workflow, now, SCHEMA, TWO)

    assert roll_back(workflow=workflow, by=None, reason="worse", now=now) == champion
    second.refresh_from_db()
    assert refusal(second, Stage.CHAMPION, now)[0] == "gate_report"


def test_a_waived_gate_lets_past_and_stays_in_the_event(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.9), SCHEMA)
    report = report_of(version, now, recall_at_least="too_few")

    waive(report=report, gate="recall_at_least", reason="first one", by=sam, now=now)
    move(version, Stage.SHADOW, now)

    newest = ModelEvent.objects.filter(model_version=version).latest("id")
    assert newest.reason == (
        f"better (waived: recall_at_least by {sam.display_name}: first one)"
    )


def test_a_waiver_is_of_one_report(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    report = report_of(version, now, schema_match="failed")
    waive(report=report, gate="schema_match", reason="known", by=sam, now=now)
    report_of(version, now + timedelta(hours=1), schema_match="failed")

    assert refusal(version, Stage.SHADOW, now)[0] == "schema_match"


def test_a_waiver_needs_a_gate_that_did_not_pass_and_a_reason(
    workflow: Workflow, sam: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, RECALL.format(0.9), SCHEMA)
    report = report_of(version, now, recall_at_least="failed")

    for gate, reason, field, rule in (
        ("schema_match", "why not", "gate", "passed"),
        ("memory_mb_at_most", "why not", "gate", "unknown"),
        ("recall_at_least", " ", "reason", "missing"),
        ("recall_at_least", "x" * 501, "reason", "too_long"),
    ):
        with pytest.raises(GateWordRefused) as caught:
            waive(report=report, gate=gate, reason=reason, by=sam, now=now)
        (error,) = caught.value.errors
        assert (error.field, error.rule) == (field, rule)


def test_a_gate_is_waived_once_and_on_the_newest_report(
    workflow: Workflow, sam: User, root: User, now: datetime
) -> None:
    version = make_model(workflow, now=now)
    declare(workflow, now, SCHEMA)
    report = report_of(version, now, schema_match="failed")
    asked = {"report": report, "gate": "schema_match", "now": now}

    first = waive(reason="known", by=sam, **asked)
    assert waive(reason="known", by=sam, **asked) == first
    with pytest.raises(GateWordTooLate, match="waived schema_match already"):
        waive(reason="me too", by=root, **asked)

    later = report_of(version, now + timedelta(hours=1), schema_match="failed")
    report_of(version, now + timedelta(hours=2), schema_match="failed")
    with pytest.raises(GateWordTooLate, match="newer gate report"):
        waive(report=later, gate="schema_match", reason="known", by=sam, now=now)
