"""Small drawings as SVG text. Colours are classes, so they follow the theme and a
strict content security policy. Pure: no ORM, clock or settings.
"""

from collections.abc import Sequence
from typing import Final, Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Tone = Literal["accent", "good", "warn", "alarm", "quiet"]
STRIP_WIDTH: Final = 120
STRIP_HEIGHT: Final = 22
BASELINE: Final = 17.5
INNER: Final = (2.0, 118.0)


def range_strip(
    *,
    at: float | None,
    curve: Sequence[float] = (),
    tone: Tone = "accent",
    label: str = "",
) -> SafeString:
    """Draw where a value lies (`at`, 0..1) on a small distribution.

    `curve` holds the heights of equally wide bins, in any unit, at least two of them.
    `at=None` draws an empty dashed line: the value is missing.
    """
    return format_html(
        '<svg class="strip" viewBox="0 0 {} {}" role="img" '
        'aria-label="{}">{}{}{}</svg>',
        STRIP_WIDTH,
        STRIP_HEIGHT,
        label or ("no value" if at is None else f"at {round(at * 100)} % of the range"),
        _curve(curve) if at is not None else "",
        format_html(
            '<line class="line{}" x1="2" x2="118" y1="{}" y2="{}"/>',
            " dash" if at is None else "",
            BASELINE,
            BASELINE,
        ),
        "" if at is None else _mark(at, tone),
    )


def _curve(heights: Sequence[float]) -> SafeString | str:
    top = max(heights, default=0.0)
    if len(heights) < 2 or top <= 0:
        return ""
    step = (INNER[1] - INNER[0]) / (len(heights) - 1)
    points = " ".join(
        f"{INNER[0] + i * step:.1f},{BASELINE - 0.5 - 14 * max(0.0, h) / top:.1f}"
        for i, h in enumerate(heights)
    )
    return format_html('<polyline class="curve" points="{}"/>', points)


def _mark(at: float, tone: Tone) -> SafeString:
    x = f"{INNER[0] + (INNER[1] - INNER[0]) * _clamp(at):.1f}"
    return format_html(
        '<line class="stroke-{}" stroke-width="2.4" x1="{}" x2="{}" y1="2" y2="20"/>',
        tone,
        x,
        x,
    )


def contribution_bar(
    *, value: float, largest: float, tone: Tone | None = None
) -> SafeString:
    """Draw one reason's push to the right (raises the score) or left of the middle.

    `largest` is the largest absolute contribution shown beside it, > 0.
    """
    length = 48 * _clamp(abs(value) / largest) if largest > 0 else 0.0
    start = 50.0 if value >= 0 else 50.0 - length
    colour = tone or ("alarm" if value >= 0 else "good")
    return format_html(
        '<svg class="bar-strip" viewBox="0 0 100 8" preserveAspectRatio="none" '
        'aria-hidden="true"><line class="line" x1="50" x2="50" y1="0" y2="8"/>'
        '<rect class="fill-{}" x="{}" y="1" width="{}" height="6" rx="1"/></svg>',
        colour,
        f"{start:.1f}",
        f"{max(length, 0.8):.1f}",
    )


def share_bar(*, share: float, tone: Tone = "accent", label: str = "") -> SafeString:
    """Draw a share (0..1) of a whole as a filled bar."""
    named = format_html('role="img" aria-label="{}"', label) if label else None
    return format_html(
        '<svg class="bar-strip" viewBox="0 0 100 8" preserveAspectRatio="none" {}>'
        '<rect class="fill-line" width="100" height="8" rx="1"/>'
        '<rect class="fill-{}" width="{}" height="8" rx="1"/></svg>',
        named or format_html('aria-hidden="{}"', "true"),
        tone,
        f"{100 * _clamp(share):.1f}",
    )


def interval_mark(
    *,
    value: float,
    low: float,
    high: float,
    limit: float | None = None,
    top: float,
    label: str,
) -> SafeString:
    """Draw an estimate with its interval on a line from 0 to `top`, and a limit's tick.

    Green while the upper end is at or under the limit, else alarm; plain without one.
    """
    tone = "accent" if limit is None else ("good" if high <= limit else "alarm")
    ends = [4 + 152 * _clamp(x / top) if top > 0 else 4.0 for x in (low, high, value)]
    tick = (
        ""
        if limit is None
        else format_html(
            '<line class="stroke-ink" stroke-width="2" '
            'x1="{0}" x2="{0}" y1="2" y2="20"/>',
            f"{4 + 152 * _clamp(limit / top if top > 0 else 0):.1f}",
        )
    )
    return format_html(
        '<svg viewBox="0 0 160 22" width="160" height="22" role="img" aria-label="{}">'
        '<line class="line" stroke-width="5" stroke-linecap="round" '
        'x1="4" x2="156" y1="11" y2="11"/>'
        '<line class="stroke-{}" stroke-width="5" stroke-linecap="round" '
        'x1="{}" x2="{}" y1="11" y2="11"/>'
        '<circle class="fill-{}" cx="{}" cy="11" r="4"/>{}</svg>',
        label,
        tone,
        f"{ends[0]:.1f}",
        f"{ends[1]:.1f}",
        tone,
        f"{ends[2]:.1f}",
        tick,
    )


def rungs(*, step: int, of: int) -> SafeString:
    """Draw how many steps of a ladder have been climbed."""
    return format_html(
        '<span class="rungs" role="img" aria-label="step {} of {}">{}</span>',
        step,
        of,
        format_html_join(
            "", '<i class="{}"></i>', (("on" if i < step else "",) for i in range(of))
        ),
    )


def sparkline(*, values: Sequence[float | None], label: str) -> SafeString:
    """Draw values over time as a small line, from 0 to the greatest.

    It runs across what is None.
    """
    known = [one for one in values if one is not None]
    top = max((abs(one) for one in known), default=0.0) or 1.0
    step = (INNER[1] - INNER[0]) / max(len(values) - 1, 1)
    places = [
        (INNER[0] + i * step, BASELINE - (BASELINE - 3) * _clamp(one / top))
        for i, one in enumerate(values)
        if one is not None
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    last = places[-1] if places else None
    return format_html(
        '<svg class="strip" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="line" x1="2" x2="118" y1="{}" y2="{}"/>{}{}</svg>',
        STRIP_WIDTH,
        STRIP_HEIGHT,
        label,
        BASELINE,
        BASELINE,
        format_html(
            '<polyline class="stroke-accent" fill="none" stroke-width="1.6" '
            'points="{}"/>',
            path,
        )
        if len(places) > 1
        else "",
        format_html(
            '<circle class="fill-accent" cx="{}" cy="{}" r="2.5"/>',
            f"{last[0]:.1f}",
            f"{last[1]:.1f}",
        )
        if last
        else "",
    )


def _clamp(share: float) -> float:
    return min(1.0, max(0.0, share))
