"""What stands before a stage: gate reports, waivers and people's approvals."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from predictions.declaration import FieldError
from predictions.enums import Stage
from predictions.models import Approval, GateReport, ModelVersion, Waiver, Workflow
from predictions.queries.promotion import (
    approvals_in_force,
    is_step_up,
    newest_report,
    obstacles,
    waivers_by_gate,
)

MAX_REASON_LENGTH = 500


class StageRefused(Exception):
    """The version may not go there; `gate` names what stops it."""

    def __init__(self, gate: str, message: str) -> None:
        super().__init__(message)
        self.gate = gate


class GateWordRefused(ValueError):
    """A waiver or an approval breaks a rule of the fields."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.rule}" for e in errors))
        self.errors = errors


class GateWordTooLate(Exception):
    """A waiver or an approval came after the state that it speaks of."""


def require_passage(
    *,
    version: ModelVersion,
    workflow: Workflow,
    to: Stage,
    by: User | None,
    now: datetime,
) -> str:
    """Refuse a step up that the workflow's gates or approvals stand before.

    The caller holds the workflow's lock. Returns what was waived in words, for the
    event; nothing where nothing was. Raises: StageRefused naming the first gate, with
    the words of all.
    """
    found = obstacles(
        version=version, to=to, mover=by, declaration=workflow.declaration, now=now
    )
    if found:
        raise StageRefused(found[0].gate, " ".join(one.says for one in found))
    if not is_step_up(version, to) or not workflow.declaration.gates:
        return ""
    report = newest_report(version)
    waived = waivers_by_gate(report) if report else {}
    words = (
        f"{gate} by {waiver.by.display_name}: {waiver.reason}"
        for gate, waiver in sorted(waived.items())
    )
    return "; ".join(words)


@transaction.atomic
def waive(
    *, report: GateReport, gate: str, reason: str, by: User, now: datetime
) -> Waiver:
    """Let a version past one gate of its newest report, and keep who said why.

    Locks the workflow, so that no promotion passes meanwhile. Saying the same again
    changes nothing. Raises: GateWordRefused; GateWordTooLate.
    """
    _check_word(reason, by)
    _lock(report.model_version)
    result = next((one for one in report.results if one["key"] == gate), None)
    if result is None:
        raise GateWordRefused([FieldError("gate", "unknown", gate)])
    if result["verdict"] == "passed":
        raise GateWordRefused([FieldError("gate", "passed", gate)])
    earlier = Waiver.objects.filter(report=report, gate=gate).first()
    if earlier is not None:
        if earlier.by_id == by.pk:
            return earlier
        msg = f"{earlier.by.display_name} waived {gate} already."
        raise GateWordTooLate(msg)
    _check_newest(report.model_version, report)
    return Waiver.objects.create(report=report, gate=gate, reason=reason, by=by, at=now)


@transaction.atomic
def approve(
    *,
    version: ModelVersion,
    report: GateReport | None,
    reason: str,
    by: User,
    now: datetime,
) -> Approval:
    """Keep a person's word for a version as champion, on the report that they saw.

    Locks the workflow. While it is in force the same person's word counts once, and
    saying it again changes nothing. Raises: GateWordRefused; GateWordTooLate.
    """
    _check_word(reason, by)
    _lock(version)
    version.refresh_from_db(fields=["stage"])
    if version.stage == Stage.CHAMPION:
        msg = f"{version.short_name} is champion already."
        raise GateWordTooLate(msg)
    _check_newest(version, report)
    for earlier in approvals_in_force(version, report, now=now):
        if earlier.by_id == by.pk:
            return earlier
    return Approval.objects.create(
        model_version=version, report=report, reason=reason, by=by, at=now
    )


def _check_word(reason: str, by: User) -> None:
    if by.is_service:
        raise GateWordRefused([FieldError("by", "not_a_person")])
    if not reason.strip():
        raise GateWordRefused([FieldError("reason", "missing")])
    if len(reason) > MAX_REASON_LENGTH:
        raise GateWordRefused([FieldError("reason", "too_long", len(reason))])


def _check_newest(version: ModelVersion, report: GateReport | None) -> None:
    if newest_report(version) != report:
        msg = f"{version.short_name} has a newer gate report: look at that one."
        raise GateWordTooLate(msg)


def _lock(version: ModelVersion) -> None:
    Workflow.objects.select_for_update(no_key=True).get(pk=version.workflow_id)
