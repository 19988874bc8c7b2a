"""What a workflow asks of a version before it goes on, and what is still missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import Actor, Permission
from predictions.declaration import Declaration
from predictions.enums import Stage
from predictions.models import Approval, GateReport, ModelVersion, Waiver
from predictions.queries.model_versions import champion_of, taken_back_at

APPROVED_FOR: Final = timedelta(days=7)
NO_WORSE: Final = "no_worse_than_champion"
# A step up asks for gates; one down never does.
_HEIGHT: Final = {
    Stage.CANDIDATE: 0,
    Stage.RETIRED: 0,
    Stage.SHADOW: 1,
    Stage.CHALLENGER: 2,
    Stage.CHAMPION: 3,
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stops a version: the gate's key, or `gate_report` or `approvals`."""

    gate: str
    says: str


def gates_in_force(declaration: Declaration) -> list[dict[str, Any]]:
    """Return the declared gates as JSON, each with the slices that it speaks of."""
    slices = {one.name: one.model_dump(mode="json") for one in declaration.slices}
    return [
        {
            **spec.gate.to_json(),
            "slices": [slices[name] for name in spec.segments],
        }
        for spec in declaration.gates
    ]


def gate_reports(version: ModelVersion) -> QuerySet[GateReport]:
    """Return the reports of a version with their waivers, newest first."""
    reports = GateReport.objects.filter(model_version=version)
    related = reports.select_related("champion", "by", "model_version")
    return related.prefetch_related("waivers__by").order_by("-at", "-id")


def newest_report(version: ModelVersion) -> GateReport | None:
    return gate_reports(version).first()


def waivers_by_gate(report: GateReport) -> dict[str, Waiver]:
    """Return who let the version past which gate of the report."""
    return {waiver.gate: waiver for waiver in report.waivers.all()}


def open_results(report: GateReport) -> list[Mapping[str, Any]]:
    """Return the results that neither passed nor were waived."""
    waived = waivers_by_gate(report)
    return [
        result
        for result in report.results
        if result["verdict"] != "passed" and result["key"] not in waived
    ]


def is_step_up(version: ModelVersion, to: Stage) -> bool:
    """Say whether the move is one that gates guard."""
    return _HEIGHT[to] > _HEIGHT[Stage(version.stage)]


def obstacles(
    *,
    version: ModelVersion,
    to: Stage,
    mover: User | None,
    declaration: Declaration,
    now: datetime,
) -> list[Obstacle]:
    """Return what stops the version from going there by the mover's hand; none if so.

    `mover` None is an operator of the machine, a person like another.
    """
    if not is_step_up(version, to):
        return []
    report = newest_report(version)
    found = _gates(version, report, declaration)
    if to == Stage.CHAMPION:
        asked = declaration.promotion.approvals
        found += _approvals(version, report, mover, asked=asked, now=now)
    return found


def _gates(
    version: ModelVersion, report: GateReport | None, declaration: Declaration
) -> list[Obstacle]:
    gates = gates_in_force(declaration)
    if not gates:
        return []
    if report is None:
        says = f"{version.short_name} was not held against the gates yet."
        return [Obstacle("gate_report", says)]
    if report.gates != gates:
        says = "The gates were changed since the newest report: hold it against them."
        return [Obstacle("gate_report", says)]
    if says := _other_champion(version, report):
        return [Obstacle("gate_report", says)]
    return [Obstacle(one["key"], one["says"]) for one in open_results(report)]


def _other_champion(version: ModelVersion, report: GateReport) -> str:
    """Say so where a report compares with another champion than the present one."""
    if all(gate["kind"] != NO_WORSE for gate in report.gates):
        return ""
    champion = champion_of(version.workflow)
    if champion is None or champion.pk == report.champion_id:
        return ""
    compared = report.champion.short_name if report.champion else "no champion"
    return (
        f"{champion.short_name} is champion now, and the newest report compares with"
        f" {compared}: hold it against the gates again."
    )


def approvals_in_force(
    version: ModelVersion, report: GateReport | None, *, now: datetime
) -> list[Approval]:
    """Return the approvals that count: on the newest report, not older than a week.

    None of before the version was champion last: it was taken back since. None of
    somebody who may not approve any more.
    """
    approvals = Approval.objects.filter(
        model_version=version, report=report, at__gte=now - APPROVED_FOR
    )
    if (taken_back := taken_back_at(version)) is not None:
        approvals = approvals.filter(at__gte=taken_back)
    said = approvals.select_related("by").order_by("at", "id")
    return [
        one
        for one in said
        if Actor(user=one.by).can(Permission.MODELS_STAGE, version.workflow_id)
    ]


def _approvals(
    version: ModelVersion,
    report: GateReport | None,
    mover: User | None,
    *,
    asked: int,
    now: datetime,
) -> list[Obstacle]:
    if asked < 2:
        return []  # whoever moves it is the one
    said_so = [one.by for one in approvals_in_force(version, report, now=now)]
    people = people_of([*said_so, mover])
    if len(people) >= asked:
        return []
    names = ", ".join(sorted({one.display_name for one in said_so})) or "nobody"
    says = f"{asked} people must stand behind it, {names} approved so far."
    return [Obstacle("approvals", says)]


def people_of(users: Sequence[User | None]) -> set[object]:
    """Return who of them are different people: programs are none."""
    return {
        None if user is None else user.pk
        for user in users
        if user is None or not user.is_service
    }
