"""What the trust page says beside the ladders, in words and key figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reviewqueue.queries.autonomy import SeenShare
from reviewqueue.services.trust_overview import Overview
from reviewqueue.trust.ladder import Standing, Verdict
from ui import numbers


@dataclass(frozen=True, slots=True)
class Passed:
    """What went past people over the last seven days, and the hours not spent on it."""

    n: int
    hours: float


def passed_of(overview: Overview, weeks: Sequence[SeenShare]) -> Passed:
    """Count what the ladders passed; where they are not followed, what anything did.

    Under another rule most items pass for reasons that no segment knows of.
    """
    n = overview.passed.n_auto
    if not overview.is_earned:
        n = weeks[-1].share.n - weeks[-1].share.k if weeks else 0
    return Passed(n, n * overview.plan.review_minutes / 60)


def missing_words(
    standing: Standing, words: str, *, is_blind: bool, blind_share: float
) -> str:
    """Say how many cases it takes where blind reviews alone are evidence.

    `words` say what is missing otherwise.
    """
    more = standing.more_needed
    if not is_blind or standing.verdict != Verdict.TOO_FEW or more is None:
        return words
    needed = f"{numbers.thousands(more)} more blind reviews without error needed"
    if not blind_share:
        return f"Too few reviews yet: {needed}, and no case is blind at present."
    cases = numbers.thousands(math.ceil(round(more / blind_share, 6)))
    return (
        f"Too few reviews yet: {needed}, "
        f"about {cases} cases at the present blind share."
    )
