"""The page that holds a version against the champion."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from lifecycle.queries.comparison import Judged, Report, comparison_of
from lifecycle.queries.paired import Apart, basis_of, told_apart
from predictions.models import Item, ModelVersion, Workflow
from predictions.views.access import open_workflow
from reviewqueue.chart_scales import Point
from reviewqueue.charts import amount_chart
from ui import numbers

N_SHOWN: Final = 20
TONES: Final = {"better": "good", "no_worse": "good", "worse": "alarm"}
WORDS: Final = {
    "better": "better",
    "no_worse": "no worse",
    "worse": "worse",
    "undecided": "undecided",
}
KINDS: Final = {
    "outcome": "late truth",
    "adjudication": "adjudicated",
    "blind": "judged blind",
    "shown": "judged with a recommendation in sight",
}


@require_GET
def model_comparison(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show how a version does against the champion on the same items."""
    page, workflow = open_workflow(request, slug, Permission.MODELS_VIEW)
    version = get_object_or_404(ModelVersion, pk=pk, workflow=workflow)
    now = timezone.now()
    basis = basis_of(version, now=now)
    report = comparison_of(version, now=now)
    apart = told_apart(basis, limit=N_SHOWN) if basis and report else []
    context = {
        "workflow": workflow,
        "version": version,
        "is_beside": basis is not None,
        "report": report,
        "apart": _rows(apart, workflow),
    }
    if report is not None:
        context |= _shown(report)
    return render(page, "lifecycle/model_comparison.html", context)


def _shown(report: Report) -> dict[str, object]:
    found = report.overall
    return {
        "verdict": WORDS[found.verdict],
        "tone": TONES.get(found.verdict, ""),
        "figures": _figures(found, report),
        "kinds": [(KINDS[kind], n) for kind, n in report.truths.items()],
        "slices": [
            (
                one.name,
                WORDS[one.judged.verdict],
                TONES.get(one.judged.verdict, ""),
                _figures(one.judged, report),
                one.judged,
            )
            for one in report.slices
        ],
        "met": [
            (one.whose, one.n, _amount(one.difference, report)) for one in report.met
        ],
        "days": [
            (one, _amount(one.difference, report), _range(one.low, one.high, report))
            for one in report.days
        ],
        "margin": _amount(report.margin, report, is_signed=False),
        "chart": _chart(report),
    }


def _figures(found: Judged, report: Report) -> dict[str, str]:
    return {
        "difference": _amount(found.difference, report),
        "range": _range(found.low, found.high, report),
        "champion": _amount(found.champion, report, is_signed=False),
        "challenger": _amount(found.challenger, report, is_signed=False),
    }


def _amount(value: float | None, report: Report, *, is_signed: bool = True) -> str:
    """Write a loss per item: in money, or as a share of the items."""
    if value is None:
        return numbers.NOTHING
    sign = "+" if is_signed and value > 0 else ""
    if report.loss == "costs":
        digits = 0 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
        return f"{sign}{value:,.{digits}f}{numbers.NBSP}{report.currency}"
    return f"{sign}{value * 100:.2f}{numbers.NBSP}%"


def _range(low: float | None, high: float | None, report: Report) -> str:
    return f"{_amount(low, report)} to {_amount(high, report)}"


def _chart(report: Report) -> SafeString | None:
    """Draw what was known of the difference, day by day; None before there is any."""
    known = [one for one in report.days if one.difference is not None]
    if len(known) < 2:
        return None
    points = [
        Point(
            at=one.day.isoformat()[5:],
            value=one.difference,
            words=f"{one.day}: {_amount(one.difference, report)}, "
            f"{_range(one.low, one.high, report)} (n = {one.n:,})",
            low=one.low,
            high=one.high,
        )
        for one in known
    ]
    return amount_chart(
        points,
        title="Difference to the champion, per item",
        unit=f"{report.currency or 'share'} per item; all routed up to the day (UTC)",
        words=lambda value: f"{value:.3g}",
    )


def _rows(
    apart: list[Apart], workflow: Workflow
) -> list[tuple[Item, str, str, str, str]]:
    declaration = workflow.declaration
    items = Item.objects.in_bulk([one.item_id for one in apart])
    return [
        (
            items[one.item_id],
            declaration.label_name(one.champion),
            declaration.label_name(one.challenger),
            declaration.label_name(one.truth) if one.truth else "",
            "champion"
            if one.truth == one.champion
            else "challenger"
            if one.truth == one.challenger
            else "",
        )
        for one in apart
    ]
