"""What a snapshot is, how it was sampled, and what it cannot tell."""

from typing import Any

import pyarrow as pa

from predictions.declaration import declaration_from_json
from predictions.models import WorkflowVersion
from predictions.queries.measured import count_readers
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
MEDIA_LIMIT = (
    "Images and sound are named by id and sha256, not held: a file may have been "
    "removed since, by a person or by retention."
)
MASKED_LIMIT = (
    "Personal data in texts is masked where patterns found it or people had marked it; "
    "what both missed is there."
)
UNMASKED_LIMIT = "Personal data in texts is not masked."
# Two snapshots can be compared byte by byte where these are equal.
WRITER = f"pyarrow {pa.__version__}"


def datasheet(
    snapshot: Snapshot, declared: WorkflowVersion, tally: Tally
) -> dict[str, Any]:
    """Put together what was asked for and what was counted while the rows passed."""
    declaration = snapshot.workflow.declaration
    media = dict(sorted(tally.media.items()))
    sheet = {
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
        **({"media": media} if media else {}),
        "missing": {name: n for name, n in sorted(tally.missing.items()) if n},
        "writer": WRITER,
        "known_limits": [*LIMITS, MEDIA_LIMIT] if media else list(LIMITS),
    }
    then = declaration_from_json(declared.declaration_json)
    if then.masked:
        limit = UNMASKED_LIMIT if snapshot.is_unmasked else MASKED_LIMIT
        sheet["known_limits"] = [*sheet["known_limits"], limit]
    measured = count_readers(snapshot.workflow, then, as_of=snapshot.as_of)
    if measured:
        sheet["measured_by"] = measured
    specs = then.fields
    if specs:
        sheet["fields"] = [
            one.model_dump(mode="json", exclude_defaults=True) for one in specs
        ]
        sheet["fields_corrected"] = dict(sorted(tally.corrected.items()))
    return sheet
