"""Whether a workflow is ready, from evidence; and the evidence that people leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from lifecycle.enums import Answer, MonitorKind, ProofKind
from lifecycle.judging.evidence import Evidence, Proved, Watching
from lifecycle.judging.readiness import Line, lines_of
from lifecycle.models import Proof
from lifecycle.queries import readiness as found
from lifecycle.queries.rights import Right, fingerprint, n_changed, rights_in
from lifecycle.services.monitors.overview import Watched, overview_of
from lifecycle.services.monitors.registry import BY_KEY
from predictions.models import Workflow


class RightsChanged(ValueError):
    """Roles or keys were given or taken since the list was shown."""

    def __init__(self) -> None:
        super().__init__(
            "Roles or keys changed since the list was shown: go through it again."
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Every line, and how many of them are answered with yes."""

    lines: list[Line]
    at: datetime

    @property
    def n_yes(self) -> int:
        return sum(line.verdict == Answer.YES for line in self.lines)


def readiness_of(workflow: Workflow, *, now: datetime) -> Standing:
    """Answer every question of readiness from what the database has."""
    return Standing(lines_of(evidence_of(workflow, now=now), now=now), now)


def evidence_of(workflow: Workflow, *, now: datetime) -> Evidence:
    """Collect what is known of a workflow; reads, and writes nothing."""
    late_after = BY_KEY["business"].late_after
    return Evidence(
        named=found.named(workflow),
        serving=found.serving(workflow),
        arriving=found.arriving(workflow, now=now),
        watching=_watching(overview_of(workflow, now=now)),
        trained=found.trained(workflow),
        judged=found.judged(workflow, now=now),
        has_measure=workflow.declaration.business.measure is not None,
        improving=found.improving(workflow, late_after=late_after, now=now),
        restore=found.proved(found.newest_proof(ProofKind.RESTORE, None)),
        rights=_rights(workflow, now=now),
    )


def _watching(watched: Sequence[Watched]) -> list[Watching]:
    told = []
    for kind in MonitorKind:
        ours = [one for one in watched if one.monitor.kind == kind]
        seen = [one.last.at for one in ours if one.last is not None]
        told.append(
            Watching(
                kind=kind,
                n_in_time=sum(not one.is_late for one in ours),
                n=len(ours),
                n_alerts=sum(one.alert is not None for one in ours),
                last_at=max(seen, default=None),
            )
        )
    return told


def _rights(workflow: Workflow, *, now: datetime) -> Proved | None:
    proof = found.newest_proof(ProofKind.RIGHTS, workflow)
    if proof is None:
        return None
    then: list[Right] = proof.data.get("rights", [])
    return found.proved(proof, n_changed=n_changed(then, rights_in(workflow, now=now)))


@transaction.atomic
def record_rights_review(
    *, workflow: Workflow, seen: str, note: str, by: User, now: datetime
) -> Proof:
    """Record that a person went through the rights that `seen` is the fingerprint of.

    Writes a `Proof` with the list as it was seen. Gives and takes nothing.
    Raises: RightsChanged when the list is another one by now.
    """
    rights = rights_in(workflow, now=now)
    if fingerprint(rights) != seen:
        raise RightsChanged
    words = f"{len(rights)} roles, keys and site admins."
    return Proof.objects.create(
        kind=ProofKind.RIGHTS,
        workflow=workflow,
        has_passed=True,
        note=f"{words} {note}".strip()[:500],
        data={"rights": rights, "fingerprint": seen},
        by=by,
        at=now,
    )


def record_restore(
    *, has_passed: bool, note: str, data: dict[str, Any], now: datetime
) -> Proof:
    """Record a restore that was tried, of all workflows."""
    return Proof.objects.create(
        kind=ProofKind.RESTORE,
        workflow=None,
        has_passed=has_passed,
        note=note[:500],
        data=data,
        by=None,
        at=now,
    )
