"""The longer simulation by command: what it prints, and when it fails."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from reviewqueue.management.commands import coverage
from reviewqueue.trust.simulation import Limits, Rule, limits_of

SMALL = ("--workflows=400", "--items=1200", "--alpha=0.05", "--seed=2")


def run(*options: str) -> str:
    out = StringIO()
    call_command("coverage", *options, stdout=out)
    return out.getvalue()


@pytest.mark.slow
def test_promise_that_is_kept_is_printed_and_ends_well() -> None:
    printed = run(*SMALL)

    kept = [one for one in printed.splitlines() if one.endswith("  yes")]
    assert len(kept) == 11
    assert "NO" not in printed
    assert "seed 2" in printed
    for text in ("one at it among good ones", "to 10 x tolerated", "0.5 x tolerated"):
        assert text in printed
    assert "promised: 20" in printed
    assert run(*SMALL) == printed


@pytest.mark.slow
def test_promise_that_is_broken_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "limits_of", bold(limits_of))

    with pytest.raises(CommandError, match=r"broken: .*ten at the tolerated") as failed:
        run(*SMALL)

    assert failed.value.returncode == 1


def bold(sound: Callable[..., Limits]) -> Callable[..., Limits]:
    """Grant as if segments shared nothing and delta were four times as large."""

    def limits(rule: Rule, *, n_reviews: int, n_segments: int) -> Limits:
        easy = Rule(rule.tolerated, 4 * rule.delta, rule.alpha, rule.min_reviews)
        return sound(easy, n_reviews=n_reviews, n_segments=1)

    return limits


@pytest.mark.parametrize(
    ("option", "rule"),
    [
        ("--delta=0", "above 0 and below 1"),
        ("--tolerated=x", "above 0 and below 1"),
        ("--alpha=nan", "above 0 and below 1"),
        ("--workflows=0", "whole number"),
        ("--items=1.5", "whole number"),
    ],
)
def test_options_out_of_range_are_refused(option: str, rule: str) -> None:
    with pytest.raises(CommandError, match=rule):
        run(option)
