"""Tags and filters for every page: `{% load ui %}`. docs/frontend.md shows each."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ui import figures, numbers
from ui.icons import icon_svg
from ui.keys import key_map

register = template.Library()

MESSAGE_ICONS = {
    "success": "circle-check",
    "warning": "triangle-alert",
    "error": "circle-x",
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """`{% icon "check" %}`: decoration; give a label where no text stands beside it."""
    return icon_svg(str(name), str(label))


@register.filter
def thousands(value: float | None, digits: int | None = None) -> str:
    """`{{ 13384|thousands }}`: 13,384."""
    return numbers.NOTHING if value is None else numbers.thousands(value, digits)


@register.filter
def percent(share: float | None, digits: int | None = None) -> str:
    """`{{ 0.874|percent }}`: 87 %."""
    return numbers.NOTHING if share is None else numbers.percent(share, digits)


@register.filter
def points(difference: float | None) -> str:
    """`{{ 0.064|points }}`: +6.4."""
    return numbers.NOTHING if difference is None else numbers.points(difference)


@register.filter
def signed(value: float | None, digits: int = 2) -> str:
    """`{{ reason.value|signed }}`: +0.34."""
    return numbers.NOTHING if value is None else numbers.signed(value, digits)


@register.filter
def duration(seconds: float | None) -> str:
    """`{{ 11400|duration }}`: 3 h 10 min."""
    return numbers.NOTHING if seconds is None else numbers.duration(seconds)


@register.filter
def milliseconds(value: float | None) -> str:
    """`{{ prediction.latency_ms|milliseconds }}`: 37 µs."""
    return numbers.NOTHING if value is None else numbers.milliseconds(value)


@register.filter
def clock(seconds: float | None) -> str:
    """`{{ 271|clock }}`: 4:31."""
    return numbers.NOTHING if seconds is None else numbers.clock(seconds)


@register.filter
def age(at: datetime | None, now: datetime | None = None) -> str:
    """`{{ case.created_at|age }}`: 3 h 10 min, up to `now` or the moment of drawing."""
    if at is None:
        return numbers.NOTHING
    return numbers.duration(((now or timezone.now()) - at).total_seconds())


@register.simple_tag
def when(at: datetime | None) -> SafeString | str:
    """`{% when event.at %}`: date and time, to the second in its title."""
    if at is None:
        return numbers.NOTHING
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        local.strftime("%-d %b %Y, %H:%M"),
    )


@register.simple_tag
def rate(
    k: int | None, n: int, low: float | None = None, high: float | None = None
) -> SafeString:
    """`{% rate 358 412 lo hi %}`: 87 % (n = 412) and the interval."""
    if not n or k is None:
        return SafeString(
            '<span class="rate"><span class="n">no data yet</span></span>'
        )
    range_text = (
        "" if low is None or high is None else f", {numbers.interval(low, high)}"
    )
    return format_html(
        '<span class="rate"><b>{}</b> <span class="n" title="95 % interval">'
        "(n = {}{})</span></span>",
        numbers.percent(k / n),
        numbers.thousands(n),
        range_text,
    )


@register.filter
def as_json(value: object) -> str:
    """`data-keys="{{ keys|as_json }}"`: JSON for an attribute; escaped as any text."""
    return json.dumps(value if value is not None else {}, ensure_ascii=False)


@register.filter
def message_icon(level_tag: str) -> str:
    """Return the icon that goes with a message's level."""
    return MESSAGE_ICONS.get(level_tag, "info")


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField, *, optional: bool = True, css: str = ""
) -> dict[str, BoundField | bool | str]:
    """`{% field form.name %}`: label, help, control and errors, tied together."""
    return {
        "field": bound,
        "is_check": isinstance(bound.field.widget, CheckboxInput),
        "show_optional": optional and not bound.field.required,
        "css": css,
    }


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(
    context: Context,
    *,
    next_cursor: str | None = None,
    previous_cursor: str | None = None,
    shown: int | None = None,
    noun: str = "rows",
) -> dict[str, Any]:
    """`{% pager next_cursor=page.next shown=25 %}`: links that keep the filters."""
    return {
        "request": context.get("request"),
        "next_cursor": next_cursor,
        "previous_cursor": previous_cursor,
        "shown": shown,
        "noun": noun,
    }


@register.simple_tag(takes_context=True)
def key(context: Context, action: str) -> SafeString:
    """`{% key "confirm" %}`: the hint for a shortcut, as this person has mapped it."""
    keys = context.get("keys") or key_map()
    return format_html(
        '<kbd data-key="{}" aria-hidden="true">{}</kbd>', action, keys.get(action, "")
    )


@register.simple_tag
def range_strip(
    at: float | None,
    curve: Sequence[float] = (),
    tone: figures.Tone = "accent",
    label: str = "",
) -> SafeString:
    """`{% range_strip 0.98 bins tone="alarm" label="98 % are lower" %}`."""
    return figures.range_strip(at=at, curve=curve or (), tone=tone, label=label)


@register.simple_tag
def sparkline(values: Sequence[float | None], label: str) -> SafeString:
    """`{% sparkline values "up from 88" %}`: values over time, from 0 on."""
    return figures.sparkline(values=values, label=label)


@register.simple_tag
def contribution(
    value: float, largest: float, tone: figures.Tone | None = None
) -> SafeString:
    """`{% contribution reason.value largest %}`: one reason's push."""
    return figures.contribution_bar(value=value, largest=largest, tone=tone)


@register.simple_tag
def share_bar(
    share: float, tone: figures.Tone = "accent", label: str = ""
) -> SafeString:
    """`{% share_bar 0.4 %}`: a share of a whole."""
    return figures.share_bar(share=share, tone=tone, label=label)


@register.simple_tag
def interval_mark(
    value: float,
    low: float,
    high: float,
    top: float,
    label: str,
    limit: float | None = None,
) -> SafeString:
    """`{% interval_mark 0.0046 0.003 0.0061 0.02 "error 0.46 %" limit=0.015 %}`."""
    return figures.interval_mark(
        value=value, low=low, high=high, limit=limit, top=top, label=label
    )


@register.simple_tag
def rungs(step: int, of: int) -> SafeString:
    """`{% rungs 3 5 %}`: steps of a ladder."""
    return figures.rungs(step=step, of=of)
