"""What a snapshot is, how it was sampled, and what it cannot tell."""

from typing import Any

import pyarrow as pa

from predictions.models import WorkflowVersion
from reviewqueue.models import Snapshot
from reviewqueue.queries.snapshot_rows import count_routed
from reviewqueue.snapshot_files import Tally

LIMITS = (
    "Items that the policy passed are labelled only where they were drawn for audit or "
    "an outcome came: weight by 1 / review_probability.",
    "A decision on a shown recommendation may follow it (automation bias); the column "
    "blind tells them apart.",
    "Labels are people's or outside systems' and may be wrong.",
    "A pseudonym is not anonymity: whoever knows who worked when can guess it.",
)
# Two snapshots can be compared byte by byte where these are equal.
WRITER = f"pyarrow {pa.__version__}"


def datasheet(
    snapshot: Snapshot, declared: WorkflowVersion, tally: Tally
) -> dict[str, Any]:
    """Put together what was asked for and what was counted while the rows passed."""
    declaration = snapshot.workflow.declaration
    return {
        "workflow": snapshot.workflow.slug,
        "workflow_version": declared.version,
        "question": declaration.question,
        "data_note": declaration.data_note,
        "as_of": snapshot.as_of.isoformat(),
        "filters": snapshot.filters,
        "n_rows": tally.n_rows,
        "occurred_from": tally.first_at and tally.first_at.isoformat(),
        "occurred_to": tally.last_at and tally.last_at.isoformat(),
        "labels": dict(sorted(tally.labels.items())),
        "label_sources": dict(sorted(tally.sources.items())),
        "n_blind": tally.n_blind,
        "routed": count_routed(snapshot.workflow_id, as_of=snapshot.as_of),
        "route_reasons": dict(sorted(tally.routes.items())),
        "review_probabilities": dict(sorted(tally.review_probabilities.items())),
        "model_versions": dict(sorted(tally.models.items())),
        "policy_versions": dict(sorted(tally.policies.items())),
        "reviewers": dict(sorted(tally.reviewers.items())),
        "missing": {name: n for name, n in sorted(tally.missing.items()) if n},
        "writer": WRITER,
        "known_limits": list(LIMITS),
    }
