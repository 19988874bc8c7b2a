"""The report of a replay: the same figures as JSON and as one page without scripts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from reviewqueue.chart_scales import Point
from reviewqueue.charts import count_chart, rate_chart
from reviewqueue.replay.figures import (
    Detection,
    Estimate,
    JudgedMove,
    Share,
    Stand,
    Way,
    Week,
    coverage,
    detections_of,
    estimates_of,
    in_percent,
    judge_moves,
    share_interval,
    stands_of,
    ways_of,
    weeks_of,
)
from reviewqueue.replay.goals import Goal, goals_of
from reviewqueue.replay.options import Options
from reviewqueue.replay.passing import figures_as_json
from reviewqueue.replay.rows import Move, Routed, Slice
from reviewqueue.replay.run import Lived

AUDIT_SHARE = 0.05
N_AUDITS = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What was replayed."""

    name: str
    options: Options
    n_past: int
    n_stream: int
    n_all: int
    positive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one replay."""

    told: Told
    lived: Lived
    n_routed: int
    n_reviewed: int
    weeks: Sequence[Week]
    slices: Sequence[Slice]
    stands: Sequence[Stand]
    moves: Sequence[JudgedMove]
    n_wrong_grants: int
    ways: Sequence[Way]
    estimates: Sequence[Estimate]
    coverage: Mapping[str, float]
    detections: Sequence[Detection]
    goals: Sequence[Goal]


def make_report(
    rows: Routed,
    slices: Sequence[Slice],
    moves: Sequence[Move],
    *,
    told: Told,
    lived: Lived,
) -> Report:
    """Compute every figure from the rows of a replay."""
    planted = told.options.planted
    changed_day = planted.day if planted else None
    judged = judge_moves(rows, slices, moves, changed_day=changed_day)
    stands, positive = stands_of(rows, slices), told.positive
    ways = ways_of(rows, positive=positive)
    return Report(
        told=told,
        lived=lived,
        n_routed=rows.n,
        n_reviewed=int(rows.is_reviewed.sum()),
        weeks=weeks_of(rows, moves),
        slices=slices,
        stands=stands,
        moves=judged,
        n_wrong_grants=sum(one.is_wrong for one in judged),
        ways=ways,
        estimates=estimates_of(rows, positive=positive),
        coverage=_coverage(rows, positive, told.options.seed),
        detections=[]
        if changed_day is None
        else detections_of(rows, slices, moves, changed_day=changed_day),
        goals=goals_of(
            rows,
            positive=positive,
            slices=slices,
            stands=stands,
            moves=judged,
            ways=ways,
        ),
    )


def _coverage(rows: Routed, positive: Collection[str], seed: int) -> dict[str, float]:
    said, truth = rows.said_is(positive), rows.truth_is(positive)
    return coverage(said, truth, share=AUDIT_SHARE, n_replays=N_AUDITS, seed=seed)


def as_json(report: Report) -> str:
    """Write the figures down; a share is {k, n, value}, what is not a number null."""
    return figures_as_json(report, told=_told)


def _told(value: object) -> Mapping[str, object] | None:
    """Say what is worked out beside what is kept."""
    if isinstance(value, Share):
        return {**asdict(value), "value": value.value}
    if isinstance(value, Estimate):
        return {
            **asdict(value),
            "is_held": value.is_held,
            "is_held_without_mistakes": value.is_held_without_mistakes,
        }
    return None


def as_page(report: Report) -> SafeString:
    """Draw the report as one HTML page that needs nothing else."""
    slices = report.slices
    return render_to_string(
        "files/replay_report.html",
        {
            "report": report,
            "told": report.told,
            "options": report.told.options,
            "review_chart": _review_chart(report.weeks),
            "error_chart": _error_chart(report.weeks),
            "segments": [
                {"slice": one, "tolerated": in_percent(one.tolerated), "stand": stand}
                for one, stand in zip(slices, report.stands, strict=True)
            ],
            "moves": [
                {
                    "judged": one,
                    "slice": slices[one.move.segment],
                    "tolerated": in_percent(slices[one.move.segment].tolerated),
                    "bound": in_percent(one.move.bound),
                }
                for one in report.moves
            ],
            "detections": [
                {
                    "found": one,
                    "slice": slices[one.segment],
                    "tolerated": in_percent(slices[one.segment].tolerated),
                }
                for one in report.detections
            ],
            "estimates": [
                {"of": one, "held": report.coverage[one.measure]}
                for one in report.estimates
            ],
            "audit_share": AUDIT_SHARE,
            "n_audits": N_AUDITS,
            "took_seconds": sum(report.lived.took_seconds.values()),
            "review_hours": report.lived.review_seconds / 3600,
        },
    )


def _review_chart(weeks: Sequence[Week]) -> SafeString:
    points = []
    for one in weeks:
        interval = share_interval(one.reviewed)
        words = f"week {one.number}: {one.reviewed.k:,} of {one.reviewed.n:,}"
        moved = f"; {one.grants} grants, {one.withdrawals} withdrawals"
        points.append(
            Point(
                str(one.number),
                one.reviewed.value,
                words + (moved if one.grants or one.withdrawals else ""),
                low=interval.low if one.reviewed.n else None,
                high=interval.high if one.reviewed.n else None,
            )
        )
    marks = [bool(one.grants or one.withdrawals) for one in weeks]
    return rate_chart(points, title="Review rate by week", unit="week", marks=marks)


def _error_chart(weeks: Sequence[Week]) -> SafeString:
    bars = [
        Point(
            str(one.number),
            float(one.undetected.k),
            f"week {one.number}: {one.undetected.k:,} of {one.undetected.n:,}",
        )
        for one in weeks
    ]
    return count_chart(
        bars, [], title="Wrong recommendations that nobody saw", unit="week"
    )
