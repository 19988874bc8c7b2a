"""How many of the items a challenger may recommend for."""

from typing import Final

from django.db.models import Sum

from predictions.enums import Stage
from predictions.models import ModelVersion

DEFAULT_SHARE: Final = 0.1
# All challengers of a workflow together: most items stay the champion's.
MAX_SHARE: Final = 0.5
ALMOST_NONE: Final = 1e-9  # what shares of binary fractions may be off by


def share_refused(version: ModelVersion, share: float) -> str:
    """Say why a version may not recommend for a share of the items; else nothing.

    The caller holds the workflow: two challengers must not take the same room.
    """
    if not 0 < share <= MAX_SHARE:
        return f"A challenger's share is above 0 and at most {MAX_SHARE:.0%}."
    if version.stage == Stage.CHALLENGER and version.route_share == share:
        return f"It is a challenger with {share:.4g} of the items already."
    others = ModelVersion.objects.filter(
        workflow_id=version.workflow_id, stage=Stage.CHALLENGER
    ).exclude(pk=version.pk)
    taken = others.aggregate(sum=Sum("route_share"))["sum"] or 0.0
    if taken + share > MAX_SHARE + ALMOST_NONE:
        left = max(MAX_SHARE - taken, 0.0)
        return (
            f"Other challengers have {taken:.4g} of the items: {left:.4g} is left, "
            f"as all of them together have {MAX_SHARE:.4g} at most."
        )
    return ""
