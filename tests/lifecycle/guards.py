"""Workflows with gates, reports on them, and moves that are refused."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from predictions.enums import Stage
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.queries.promotion import gates_in_force
from predictions.services.promotion import StageRefused
from predictions.services.registry import change_stage
from predictions.services.workflows import declare_workflow
from tests.factories.predictions import DECLARATION

RECALL = '[[gates]]\nkind = "recall_at_least"\nbound = {}\n'
SCHEMA = '[[gates]]\nkind = "schema_match"\n'
NO_WORSE = '[[gates]]\nkind = "no_worse_than_champion"\nbound = 0.1\n'
TWO = "[promotion]\napprovals = 2\n"


def declare(workflow: Workflow, now: datetime, *parts: str) -> Workflow:
    text = DECLARATION.format(slug=workflow.slug, name=workflow.name)
    declared, _ = declare_workflow(source_toml=text + "".join(parts), by=None, now=now)
    return declared


def report_of(
    version: ModelVersion,
    now: datetime,
    *,
    champion: ModelVersion | None = None,
    **verdicts: str,
) -> GateReport:
    """Write a report of the gates in force, all passed unless said otherwise."""
    workflow = Workflow.objects.get(pk=version.workflow_id)
    gates = gates_in_force(workflow.declaration)
    results: list[dict[str, Any]] = [
        {
            "key": gate["kind"],
            "verdict": verdicts.get(gate["kind"], "passed"),
            "says": f"{gate['kind']} says so.",
        }
        for gate in gates
    ]
    found = {one["verdict"] for one in results}
    verdict = next((v for v in ("failed", "too_few") if v in found), "passed")
    return GateReport.objects.create(
        model_version=version,
        champion=champion,
        gates=gates,
        results=results,
        verdict=verdict,
        at=now,
    )


def move(
    version: ModelVersion, to: Stage, now: datetime, by: User | None = None
) -> None:
    change_stage(version=version, to=to, by=by, reason="better", now=now)


def refusal(
    version: ModelVersion, to: Stage, now: datetime, by: User | None = None
) -> tuple[str, str]:
    with pytest.raises(StageRefused) as caught:
        move(version, to, now, by)
    return caught.value.gate, str(caught.value)
