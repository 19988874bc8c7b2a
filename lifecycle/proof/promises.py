"""What a proof should show, and by which figures it does or does not. Pure."""

from collections.abc import Sequence

from lifecycle.proof.calm import Calm
from lifecycle.proof.candidates import Planted
from lifecycle.proof.life import Lived
from lifecycle.proof.upstream import Met
from reviewqueue.replay.goals import Goal


def life_goals(lived: Lived, *, months: int) -> list[Goal]:
    """Hold what was lived against: a version a month, each through gates."""
    versions = lived.versions
    told = [
        f"v{one.number}: gates {one.verdict}, {_end(one.promoted_at, one.ended)}"
        for one in versions
    ]
    gated = [
        one
        for one in versions
        if one.promoted_at and one.verdict == "passed" and one.gates
    ]
    n_promoted = sum(bool(one.promoted_at) for one in versions)
    later = [one for one in versions[1:] if one.promoted_at]
    return [
        Goal(
            "a model was trained on January and every month after it",
            len(versions) + len(lived.declined) >= months + 1 and bool(versions),
            (*told, *(f"not trained, {one}" for one in lived.declined)),
        ),
        Goal(
            "no version was in force that had not passed every gate",
            n_promoted >= 1 and len(gated) == n_promoted,
            (f"{len(gated)} of {n_promoted} promoted versions had",),
        ),
        Goal(
            "no version took another's place without a verdict on the same items",
            all(_is_compared(one.comparison) for one in later),
            tuple(
                f"v{one.number}: {one.comparison['overall']['says']}"
                for one in versions
                if one.comparison
            ),
        ),
    ]


def _end(promoted_at: str, ended: str) -> str:
    promoted = f"in force from {promoted_at[:10]}" if promoted_at else "never in force"
    return f"{promoted}; {ended}" if ended else promoted


def _is_compared(comparison: object) -> bool:
    if not isinstance(comparison, dict):
        return False
    return comparison["overall"]["verdict"] in {"better", "no_worse"}


def planted_goals(planted: Sequence[Planted]) -> list[Goal]:
    """Hold each bad candidate against the gate that should stop it."""
    return [
        Goal(
            f"the {one.kind} candidate stops at {one.should}",
            one.is_stopped,
            (
                one.says,
                f"failed: {', '.join(one.failed) or 'none'}",
                f"shadow refused at {one.refused_at}"
                if one.refused_at
                else "it became a shadow",
            ),
        )
        for one in planted
    ]


def upstream_goals(met: Sequence[Met], *, within_items: int) -> list[Goal]:
    """Hold each break against its alarm, and each silence against its alerts."""
    goals = []
    for one in met:
        if one.should:
            right = one.right
            is_soon = right is not None and (right.items or 0) <= within_items
            goals.append(
                Goal(
                    f"{one.what}: {one.should} names {one.names} within "
                    f"{within_items} items",
                    is_soon,
                    _told(one),
                )
            )
    wrong = [
        f"{one.slug}, {bad.monitor}: {bad.says}"
        for one in met
        for bad in one.false_alarms
    ]
    n_looks = sum(one.n_looks for one in met)
    goals.append(
        Goal(
            "what is not broken stays silent, beside it and before",
            not wrong,
            tuple(wrong) or (f"no alert where nothing was broken; {n_looks:,} looks",),
        )
    )
    return goals


def _told(one: Met) -> tuple[str, ...]:
    after = [bad for bad in one.raised if bad.items is not None]
    if not after:
        return (f"no alert in {one.n_after:,} items",)
    return tuple(
        f"after {bad.items:,} items, {bad.monitor}: {bad.says}" for bad in after
    )


def calm_goals(calm: Calm) -> list[Goal]:
    """Hold what was raised on undisturbed days against the declared budget."""
    n_looks = sum(calm.n_judged.values())
    return [
        Goal(
            f"false alarms over {calm.n_days:,} undisturbed days stay within budget",
            calm.n_alerts <= calm.budget and n_looks > 0,
            (
                f"{calm.n_alerts} alerts ({sum(calm.n_alarms.values())} alarms of "
                f"{n_looks:,} judged looks), budget {calm.budget:.2f}; the mean that "
                f"they speak for is {calm.low:.2f} to {calm.high:.2f}",
                *calm.raised,
            ),
        )
    ]
