"""The report of a proof: the same figures as JSON and as one page without scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from lifecycle.proof.calm import Calm
from lifecycle.proof.life import Lived
from lifecycle.proof.options import ProofOptions
from lifecycle.proof.upstream import Met
from lifecycle.views.monitor_charts import weeks_chart
from reviewqueue.replay.goals import Goal
from reviewqueue.replay.passing import figures_as_json


@dataclass(frozen=True, slots=True)
class Proof:
    """All that a proof found; parts that were not asked for are None."""

    options: ProofOptions
    n_past: int
    n_live: int
    n_all: int
    metric: str
    measure: str
    currency: str
    goals: Sequence[Goal]
    life: Lived | None
    upstream: Sequence[Met] | None
    calm: Calm | None
    took_seconds: Mapping[str, float]

    @property
    def is_held(self) -> bool:
        """Whether all that is promised was shown."""
        return all(one.is_reached for one in self.goals)


def as_json(proof: Proof) -> str:
    """Write the figures down, null for what is not a number."""
    return figures_as_json(proof)


def as_page(proof: Proof) -> SafeString:
    """Draw the report as one HTML page that needs nothing else."""
    return render_to_string(
        "files/life_proof.html",
        {
            "proof": proof,
            "options": proof.options,
            "life": proof.life,
            "chart": _chart(proof.life, proof.measure, proof.currency)
            if proof.life
            else "",
            "upstream": proof.upstream,
            "calm": proof.calm,
            "calm_rows": _calm_rows(proof.calm) if proof.calm else [],
            "took_seconds": sum(proof.took_seconds.values()),
        },
    )


def _chart(life: Lived, measure: str, currency: str) -> SafeString:
    """Draw the metric by week."""
    return weeks_chart(measure, life.weeks, currency) or SafeString("")


def _calm_rows(calm: Calm) -> list[Mapping[str, object]]:
    names = sorted({*calm.n_judged, *calm.n_too_few})
    return [
        {
            "monitor": name,
            "judged": calm.n_judged[name],
            "too_few": calm.n_too_few[name],
            "alarms": calm.n_alarms[name],
        }
        for name in names
    ]
