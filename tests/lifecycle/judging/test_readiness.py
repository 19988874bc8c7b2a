"""What the evidence says to each question, at its edges."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lifecycle.enums import Answer, MonitorKind
from lifecycle.judging.evidence import (
    Arriving,
    Evidence,
    Improving,
    Judged,
    Named,
    Proved,
    Serving,
    Trained,
    Watching,
)
from lifecycle.judging.readiness import Line, lines_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PK = UUID(int=7)
NAMED = Named(
    version=1,
    at=NOW,
    question="Hold this payment?",
    metric="losses",
    n_reviewers=2,
    owners={
        "data": "Dana",
        "model": "Mo",
        "monitoring": "Moni",
        "retraining": "Rae",
        "incident": "Ina",
    },
    supervisors="Sam",
)
SERVING = Serving("v3", PK, NOW, 4, NOW, 0, 0)
ARRIVING = Arriving(NOW, 1, 500, 0.0, 0.01, 0.05, timedelta(days=7))
WATCHING = [Watching(kind, 2, 2, 0, NOW) for kind in MonitorKind]
TRAINED = Trained(
    PK, "done", "", NOW, "schedule", [("v3", "passed")], timedelta(days=92)
)
JUDGED = Judged(90, 9, 3, 2, 1, NOW, NOW, PK, 80)
IMPROVING = Improving(NOW, False, "Recall: 80 %.", True, None)
PROVED = Proved(PK, True, "12 roles.", NOW, "Sam")
READY = Evidence(
    NAMED, SERVING, ARRIVING, WATCHING, TRAINED, JUDGED, True, IMPROVING, PROVED, PROVED
)


def line(evidence: Evidence, key: str, *, now: datetime = NOW) -> Line:
    [found] = [one for one in lines_of(evidence, now=now) if one.key == key]
    return found


def test_everything_in_order_is_yes_and_owned() -> None:
    lines = lines_of(READY, now=NOW)

    assert [one.verdict for one in lines] == [Answer.YES] * 10
    assert all(one.owner for one in lines)
    assert {one.function.value for one in lines} == {
        "govern",
        "map",
        "measure",
        "manage",
    }


@pytest.mark.parametrize(
    ("key", "changed", "answer", "words"),
    [
        ("decision", {"named": replace(NAMED, metric="")}, Answer.NO, "its metric"),
        ("decision", {"named": replace(NAMED, n_reviewers=0)}, Answer.NO, "decides"),
        (
            "owners",
            {"named": replace(NAMED, owners={"data": "D", "model": ""})},
            Answer.NO,
            "Nobody is named for model.",
        ),
        ("serving", {"serving": None}, Answer.NEVER, "No version is champion."),
        (
            "serving",
            {"serving": replace(SERVING, last_scored_at=None)},
            Answer.NEVER,
            "has not scored",
        ),
        ("serving", {"serving": replace(SERVING, n_gates=0)}, Answer.NO, "no gates"),
        ("serving", {"serving": replace(SERVING, report_at=None)}, Answer.NO, "never"),
        (
            "serving",
            {"serving": replace(SERVING, open_gates=2)},
            Answer.NO,
            "2 results",
        ),
        ("serving", {"serving": replace(SERVING, n_waived=1)}, Answer.YES, "by waiver"),
        (
            "data",
            {"arriving": replace(ARRIVING, last_at=None)},
            Answer.NEVER,
            "No item",
        ),
        (
            "data",
            {"arriving": replace(ARRIVING, k=50, low=0.08, high=0.12)},
            Answer.NO,
            "surely more than 5",
        ),
        (
            "data",
            {"arriving": replace(ARRIVING, k=30, low=0.04, high=0.08)},
            Answer.YES,
            "30 of the newest 500",
        ),
        (
            "data",
            {"arriving": replace(ARRIVING, k=50, low=0.08, high=0.12, limit=0)},
            Answer.YES,
            "refused: 10",
        ),
        (
            "monitors",
            {"watching": [replace(one, n_in_time=1) for one in WATCHING]},
            Answer.NO,
            "infrastructure 1 of 2",
        ),
        (
            "monitors",
            {"watching": [replace(one, n_in_time=0) for one in WATCHING]},
            Answer.TOO_OLD,
            "model 0 of 2",
        ),
        (
            "monitors",
            {"watching": [replace(one, n_in_time=0, last_at=None) for one in WATCHING]},
            Answer.NEVER,
            "No monitor has looked",
        ),
        ("monitors", {"has_measure": False}, Answer.NO, "no measure"),
        ("retraining", {"trained": None}, Answer.NEVER, "No training run"),
        (
            "retraining",
            {"trained": replace(TRAINED, status="failed", says="Full disk.")},
            Answer.NO,
            "failed: Full disk.",
        ),
        ("retraining", {"trained": replace(TRAINED, gates=[])}, Answer.NO, "not held"),
        (
            "retraining",
            {"trained": replace(TRAINED, gates=[("v4", "failed")])},
            Answer.YES,
            "v4 failed",
        ),
        ("people", {"judged": replace(JUDGED, last_at=None)}, Answer.NEVER, "Nobody"),
        ("people", {"judged": replace(JUDGED, fed_back_at=None)}, Answer.NO, "trained"),
        ("business", {"improving": None}, Answer.NEVER, "not read"),
        (
            "business",
            {"improving": None, "has_measure": False},
            Answer.NEVER,
            "declares no measure",
        ),
        (
            "business",
            {"improving": replace(IMPROVING, is_late=True)},
            Answer.TOO_OLD,
            "Recall",
        ),
        (
            "business",
            {"improving": replace(IMPROVING, is_better=False, meets_aim=True)},
            Answer.NO,
            "Recall",
        ),
        (
            "business",
            {"improving": replace(IMPROVING, is_better=None, meets_aim=True)},
            Answer.YES,
            "Recall",
        ),
        (
            "business",
            {"improving": replace(IMPROVING, is_better=None)},
            Answer.NO,
            "Recall",
        ),
        ("restore", {"restore": None}, Answer.NEVER, "No backup"),
        ("restore", {"restore": replace(PROVED, has_passed=False)}, Answer.NO, "12"),
        ("rights", {"rights": None}, Answer.NEVER, "Nobody has gone through"),
        (
            "rights",
            {"rights": replace(PROVED, n_changed=3)},
            Answer.TOO_OLD,
            "since: 3",
        ),
    ],
)
def test_what_is_not_in_order_is_said(
    key: str, changed: dict[str, object], answer: Answer, words: str
) -> None:
    found = line(replace(READY, **changed), key)

    assert found.verdict == answer
    assert words in found.says


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("serving", 7),
        ("data", 7),
        ("retraining", 92),
        ("people", 30),
        ("restore", 92),
        ("rights", 92),
    ],
)
def test_what_was_so_once_is_too_old_after_its_time(key: str, days: int) -> None:
    limit = timedelta(days=days)

    assert line(READY, key, now=NOW + limit).verdict == Answer.YES
    later = NOW + limit + timedelta(seconds=1)
    assert line(READY, key, now=later).verdict == Answer.TOO_OLD


def test_links_say_where_the_evidence_is() -> None:
    links = {
        one.key: [link.view for link in one.links] for one in lines_of(READY, now=NOW)
    }

    assert links["serving"] == ["lifecycle:model-detail", "lifecycle:model-card"]
    assert links["people"][-1] == "lifecycle:training-detail"
    assert links["restore"] == []
