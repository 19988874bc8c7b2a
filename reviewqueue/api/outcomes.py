"""Late truth: what items turned out to be."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from predictions.declaration import FieldError
from predictions.intake.values import parse_moment
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    broken_rules,
    documented,
)
from reviewqueue.api.bodies import (
    read_body,
)
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_items import (
    MAX_OUTCOMES,
    OutcomesRecorded,
    OutcomesSent,
    RefusedOutcomeShape,
)
from reviewqueue.services.outcomes import (
    OutcomeRow,
    RefusedOutcome,
    record_outcomes,
)


class OutcomeList(Operation):
    @documented(
        "outcome_create",
        summary=f"Send late truth: one outcome or a list of up to {MAX_OUTCOMES:,}",
        parameters=[SLUG],
        request=object_of(OutcomesSent),
        answers={202: object_of(OutcomesRecorded)},
        errors=BODY_ERRORS,
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
        body = read_body(request)
        sent = body if isinstance(body, list) else [body]
        if len(sent) > MAX_OUTCOMES:
            raise InvalidRequest([FieldError("outcomes", "too_many", len(sent))])
        rows: list[tuple[int, OutcomeRow]] = []
        refused: list[RefusedOutcome] = []
        for index, raw in enumerate(sent):
            row, errors = _outcome_row(raw)
            if row is None:
                refused.append(RefusedOutcome(index, "", errors))
            else:
                rows.append((index, row))
        now = timezone.now()
        minutes = workflow.declaration.intake.max_future_minutes
        result = record_outcomes(
            workflow=workflow,
            rows=[row for _, row in rows],
            by=self.user(request),
            now=now,
            latest=now + timedelta(minutes=minutes),
            sites=self.actor(request).sites(workflow.pk),
            clock=timezone.now,
        )
        refused += [
            RefusedOutcome(rows[one.index][0], one.external_id, one.errors)
            for one in result.refused
        ]
        refused.sort(key=lambda one: one.index)
        answer: OutcomesRecorded = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "refused": [_refused_shape(one) for one in refused],
        }
        return Response(answer, status=202)


def _refused_shape(one: RefusedOutcome) -> RefusedOutcomeShape:
    return {
        "index": one.index,
        "external_id": one.external_id,
        "errors": broken_rules(one.errors),
    }


def _outcome_row(raw: object) -> tuple[OutcomeRow | None, list[FieldError]]:
    if not isinstance(raw, dict):
        return None, [FieldError("outcome", "type", type(raw).__name__)]
    errors = []
    for name in ("external_id", "label"):
        value = raw.get(name)
        if not isinstance(value, str) or "\x00" in value or not value.isprintable():
            errors.append(FieldError(name, "missing" if value is None else "type"))
    observed_at = parse_moment(raw.get("observed_at", raw.get("occurred_at")))
    if observed_at is None:
        given = raw.get("observed_at") is not None
        errors.append(FieldError("observed_at", "type" if given else "missing"))
    if errors or observed_at is None:
        return None, errors
    row = OutcomeRow(raw["external_id"], raw["label"], observed_at, raw.get("fields"))
    return row, []
