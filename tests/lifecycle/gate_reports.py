"""Gate reports for tests that are not about measuring."""

from datetime import datetime

from predictions.learning.gate_figures import Figures
from predictions.learning.gate_terms import Gate
from predictions.learning.gates import evaluate, overall
from predictions.learning.weighted_calls import Calls
from predictions.models import GateReport, ModelVersion, Workflow
from predictions.queries.promotion import gates_in_force

ONE_GATE = (Gate("recall_at_least", 0.9),)


def gate_report_of(
    version: ModelVersion, *, now: datetime, calls: Calls | None = None
) -> GateReport:
    """Judge the gates in force, or one, on calls, else on nothing."""
    workflow = Workflow.objects.get(pk=version.workflow_id)
    declared = gates_in_force(workflow.declaration)
    gates = [Gate.from_json(one) for one in declared] or list(ONE_GATE)
    figures = Figures(calls=calls, schema_problems=[], artifact_problems=[], leaks=[])
    results = evaluate(gates, figures)
    return GateReport.objects.create(
        model_version=version,
        gates=declared or [{**one.to_json(), "slices": []} for one in gates],
        results=[result.to_json() for result in results],
        verdict=overall(results),
        evidence={"n_rows": 0, "n_judged": 0, "n_left_out": 0, "rows": []},
        at=now,
    )
