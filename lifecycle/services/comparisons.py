"""Keep what is known of versions beside their champions, and tell of verdicts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from lifecycle.models import ComparisonLook
from lifecycle.queries.comparison import Report, report_of
from lifecycle.queries.paired import Basis, basis_of
from predictions.enums import BESIDE
from predictions.models import ModelVersion, Workflow
from reviewqueue.enums import NoticeKind
from reviewqueue.services.notices import notify

UNDECIDED: Final = "undecided"


def versions_to_compare() -> list[UUID]:
    """List the versions that run beside a champion; forget looks at others."""
    ComparisonLook.objects.exclude(challenger__stage__in=BESIDE).delete()
    beside = ModelVersion.objects.filter(stage__in=BESIDE)
    return list(beside.order_by("id").values_list("id", flat=True))


def look_at(*, version: ModelVersion, now: datetime) -> ComparisonLook | None:
    """Compare a version with the champion, keep what is found, tell of a verdict.

    Counts first, which may take long. Then locks the workflow, re-checks that the same
    two still run beside each other, writes the look (a later one stands), and writes a
    notice of a verdict that nobody has told yet: each is told once a comparison,
    however often somebody looks. None where there is nothing to compare.
    """
    basis = basis_of(version, now=now)
    if basis is None:
        return None
    report = report_of(basis)
    with transaction.atomic():
        Workflow.objects.select_for_update(no_key=True).get(pk=version.workflow_id)
        if not _is_still(basis, now=now):
            return None
        look = _kept(basis, report, now=now)
        if look.looked_at == now:
            _tell_once(look, report, now=now)
    return look


def _is_still(basis: Basis, *, now: datetime) -> bool:
    fresh = ModelVersion.objects.select_related("workflow").get(pk=basis.challenger.pk)
    there = basis_of(fresh, now=now)
    return there is not None and (there.champion, there.since) == (
        basis.champion,
        basis.since,
    )


def _kept(basis: Basis, report: Report, *, now: datetime) -> ComparisonLook:
    """Write over the last look, unless it is a later one at the same comparison."""
    last = ComparisonLook.objects.filter(challenger=basis.challenger).first()
    is_same = last is not None and (last.champion_id, last.since) == (
        basis.champion.pk,
        basis.since,
    )
    if last is not None and is_same and last.looked_at > now:
        return last
    look, _ = ComparisonLook.objects.update_or_create(
        challenger=basis.challenger,
        defaults={
            "champion": basis.champion,
            "since": basis.since,
            "looked_at": now,
            "report": report.to_json(),
            "told": last.told if last is not None and is_same else [],
        },
    )
    return look


def _tell_once(look: ComparisonLook, report: Report, *, now: datetime) -> None:
    found = report.overall
    if found.verdict == UNDECIDED or found.verdict in look.told:
        return
    look.told = [*look.told, found.verdict]
    look.save(update_fields=["told"])
    version = look.challenger
    notify(
        workflow=version.workflow,
        kind=NoticeKind.COMPARISON_DECIDED,
        text=f"v{report.challenger} against v{report.champion}: {found.says}",
        data={
            "challenger": report.challenger,
            "challenger_id": str(version.pk),
            "champion": report.champion,
            "stage": version.stage,
            "verdict": found.verdict,
            "loss": report.loss,
            "currency": report.currency,
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "since": look.since,
        },
        now=now,
    )
