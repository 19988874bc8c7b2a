"""Values and reasons as people read them. Pure: plain data in, plain data out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from predictions.declaration import Declaration, Feature
from predictions.learning.novelty import Oddity
from predictions.queries.profiles import unusualness
from reviewqueue.standing import Earlier, Standing, Trend, standing_of, trend_of
from ui import numbers

N_BINS = 24
UNUSUAL_SHARE = 0.05  # rarer than this on its side is worth a colour
N_REASONS = 6
UNMEASURED = {
    "media_unreadable": "Its picture or sound cannot be measured.",
    "media_timeout": "Measuring its picture or sound took too long.",
    "media_crashed": "Measuring its picture or sound failed.",
    "media_missing": "Its picture or sound was not there to be measured.",
}
DASH = "–"  # noqa: RUF001 -- typography


@dataclass(frozen=True, slots=True)
class Fact:
    """One feature of an item; `at` is 0..1 on the strip, None when it is missing."""

    title: str
    text: str
    is_missing: bool
    is_unusual: bool
    at: float | None
    curve: tuple[float, ...]
    words: str
    description: str
    standing: Standing | None = None
    trend: Trend | None = None
    missing: str = "missing"


@dataclass(frozen=True, slots=True)
class FactGroup:
    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """What moved the score: above 0 speaks for the recommended label."""

    words: str
    effect: float


def fact_groups(
    features: Mapping[str, Any],
    declaration: Declaration,
    profile: Mapping[str, Any],
    *,
    shown: Sequence[Feature],
    at: datetime | None = None,
    earlier: Sequence[Earlier] = (),
) -> list[FactGroup]:
    """Group the shown features of an item, the important ones first.

    With `at`, the moment of the item, and what its subject had `earlier`, a feature
    whose trend is declared says how it has moved.
    """
    groups: dict[str, list[Fact]] = {}
    for feature in shown:
        if feature in declaration.measured and feature.name not in features:
            continue  # where no mark is, there is nothing to say of one
        name = "Most telling" if feature.show.important else feature.show.group
        value = features.get(feature.name)
        made = replace(
            fact(feature, value, declaration, profile),
            standing=standing_of(feature, features),
            trend=trend_of(feature, value, at=at, earlier=earlier) if at else None,
            missing="not measured" if feature.reference else "missing",
        )
        groups.setdefault(name, []).append(made)
    order = sorted(groups, key=lambda name: name != "Most telling")
    return [FactGroup(name, tuple(groups[name])) for name in order]


def fact(
    feature: Feature,
    value: object,
    declaration: Declaration,
    profile: Mapping[str, Any],
) -> Fact:
    """Describe one value and how unusual it is among recent items."""
    text = value_text(feature, value, declaration)
    usual = unusualness(profile, feature.name, value)
    if usual is None:
        words = "not sent" if value is None else ""
        return Fact(
            feature.label,
            text,
            value is None,
            False,
            None,
            (),
            words,
            feature.description,
        )
    quantiles = profile[feature.name].get("quantiles") or []
    lower, same = usual.lower_share, usual.same_share
    higher = max(0.0, 1 - lower - same)
    is_numeric = bool(quantiles)
    rare = min(lower, higher) + same if is_numeric else same
    return Fact(
        title=feature.label,
        text=text,
        is_missing=False,
        is_unusual=rare < UNUSUAL_SHARE,
        at=_place(quantiles, value) if is_numeric else None,
        curve=_curve(quantiles),
        words=_words(lower, same, higher, is_numeric=is_numeric),
        description=feature.description,
    )


def value_text(feature: Feature, value: object, declaration: Declaration) -> str:
    """Write a value with its unit; a dash where it is missing."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    digits = feature.show.decimals
    if feature.show.format == "percent":
        return numbers.percent(value, digits)
    if feature.show.format == "duration":
        return numbers.duration(value)
    unit = feature.unit
    if feature.show.format == "money" and not unit:
        unit = declaration.costs.currency
    written = numbers.thousands(value, digits)
    return f"{written} {unit}".strip()


def reasons(
    contributions: Sequence[Mapping[str, Any]], declaration: Declaration
) -> list[Reason]:
    """Write the largest contributions in words."""
    found = []
    for one in contributions[:N_REASONS]:
        feature = declaration.feature(one["feature"])
        if feature is None:
            continue
        if feature.type == "text":
            found.append(Reason(f"{feature.label}: its words", one["effect"]))
            continue
        value = value_text(feature, one["value"], declaration)
        usual = value_text(feature, one["reference"], declaration)
        found.append(
            Reason(f"{feature.label}: {value}, usually {usual}", one["effect"])
        )
    return found


def unlike_words(
    found: Sequence[Oddity], features: Mapping[str, Any], declaration: Declaration
) -> list[str]:
    """Say of each unusual value what the model met instead."""
    lines = []
    for odd in found:
        feature = declaration.feature(odd.column)
        if feature is None:
            continue
        if feature.type == "text":
            usual = numbers.percent(odd.high) if odd.high is not None else "none"
            lines.append(
                f"{feature.label}: more of its words are unknown to the model than in"
                f" 99{numbers.NBSP}% of what it learnt from (up to {usual})"
                if odd.kind == "range"
                else f"{feature.label}: it has no words, which is seldom"
            )
            continue
        if odd.kind == "range":
            low = value_text(feature, odd.low, declaration)
            high = value_text(feature, odd.high, declaration)
            usual = f"99{numbers.NBSP}% of what it learnt from lies in {low} to {high}"
        elif odd.share:
            usual = f"met in {numbers.percent(odd.share)} of what it learnt from"
        else:
            usual = "never met in what it learnt from"
        value = value_text(feature, features.get(odd.column), declaration)
        value = "missing" if odd.kind == "missing" else value
        lines.append(f"{feature.label}: {value}; {usual}")
    return lines


def threshold_words(threshold: float | None, declaration: Declaration) -> str:
    """Say from which probability on the one positive label is recommended.

    Where costs go from label to label it is not the probability that decides.
    """
    if declaration.costs.matrix:
        return "Of least expected cost, which need not be the likeliest"
    positives = [label.name for label in declaration.labels if label.positive]
    if threshold is None or len(positives) != 1:
        return ""
    return f"{positives[0]} is recommended from {numbers.percent(threshold)} on"


def _place(quantiles: Sequence[float], value: object) -> float:
    low, high = _ends(quantiles)
    if not isinstance(value, int | float) or high <= low:
        return 0.5
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _curve(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return the heights of bins between the 1st and the 99th percentile."""
    if not quantiles:
        return ()
    low, high = _ends(quantiles)
    if high <= low:
        return ()
    width = (high - low) / N_BINS
    edges = [low + i * width for i in range(N_BINS + 1)]
    return tuple(float(sum(a <= q < b for q in quantiles)) for a, b in pairwise(edges))


def _ends(quantiles: Sequence[float]) -> tuple[float, float]:
    return quantiles[len(quantiles) // 100], quantiles[-1 - len(quantiles) // 100]


def _words(lower: float, same: float, higher: float, *, is_numeric: bool) -> str:
    if not is_numeric:
        return f"{numbers.percent(same)} the same"
    if lower >= 0.5 and lower >= higher:
        return f"{numbers.percent(lower)} are lower"
    if higher >= 0.5:
        return f"{numbers.percent(higher)} are higher"
    return "usual"
