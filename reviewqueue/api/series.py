"""Readings in, failures in, machines and alarms out."""

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission
from accounts.sites import is_within, within_sites
from predictions.declaration import FieldError
from predictions.intake.failures import read_failure
from predictions.intake.values import parse_moment, shown
from predictions.models import Machine, MachineFailure
from predictions.services.series import NoSeries, store_readings
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    broken_rules,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.bodies import read_chunks
from reviewqueue.api.lists import CURSOR, LIMIT, Page, listed
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.api.shapes_series import (
    MAX_FAILURES,
    AlarmsShape,
    FailuresAnswer,
    FailureShape,
    FailuresSent,
    MachineShape,
    ReadingsAnswer,
    ReadingsSent,
    RefusedFailureShape,
    WithdrawalAsked,
    WithdrawnShape,
    alarms_shape,
    failure_shape,
    failures_answer,
    machine_shape,
    readings_answer,
)
from reviewqueue.api.sites import SITE, asked_sites
from reviewqueue.api.workflows import moment_parameter
from reviewqueue.queries.alarms import MAX_DAYS, WINDOW_DAYS, alarm_report
from reviewqueue.queries.failures import told_failures
from reviewqueue.services.failure_withdrawals import MAX_REASON, withdraw_failure
from reviewqueue.services.machine_failures import FailureRow, record_failures


class ReadingList(Operation):
    @documented(
        "reading_create",
        summary="Send readings of machines: one, a list, or NDJSON; gzip is accepted",
        description=(
            "A 202 means stored, and that the windows which the readings closed are "
            "items. The same machine and moment with the same values is a duplicate; "
            "with other values it is refused. A reading that breaks a rule is named "
            "and not kept; the rest goes on."
        ),
        parameters=[SLUG],
        request={
            "application/json": object_of(ReadingsSent),
            "application/x-ndjson": OpenApiTypes.BINARY,
        },
        answers={202: object_of(ReadingsAnswer)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_ADD, by_site=True)
        result = store_readings(
            workflow=workflow,
            chunks=read_chunks(request),
            now=timezone.now(),
            sites=self.actor(request).sites(workflow.pk),
        )
        return Response(readings_answer(result), status=202)


class MachineList(Operation):
    @documented(
        "machine_list",
        summary="The machines that sent readings, newest first",
        parameters=[SLUG, LIMIT, CURSOR, SITE],
        answers={200: object_of(Page[MachineShape], "MachinePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.ITEMS_VIEW, by_site=True)
        rows = Machine.objects.filter(workflow=workflow).select_related("site")
        rows = within_sites(rows, asked_sites(self, request, workflow))

        def shape(found: Sequence[Machine]) -> list[MachineShape]:
            return [machine_shape(one) for one in found]

        return listed(request, rows, shape)


class FailureList(Operation):
    @documented(
        "failure_create",
        summary=f"Send failures of machines, up to {MAX_FAILURES:,}",
        description=(
            "Items whose window ended within the horizon before a failure get the "
            "positive label as late truth. `complete_until` says that all failures "
            "until then are in: items whose horizon was over by then without one get "
            "the negative label."
        ),
        parameters=[SLUG],
        request=object_of(FailuresSent),
        answers={202: object_of(FailuresAnswer)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.OUTCOMES_ADD, by_site=True)
        body = read_object(request, ("failures", "complete_until"))
        complete_until = parse_moment(body.get("complete_until"))
        if body.get("complete_until") is not None and complete_until is None:
            error = FieldError("complete_until", "type", shown(body["complete_until"]))
            raise InvalidRequest([error])
        if complete_until is not None and complete_until > timezone.now():
            error = FieldError("complete_until", "future", complete_until.isoformat())
            raise InvalidRequest([error])
        rows, places, refused = _failure_rows(body.get("failures") or [])
        result = record_failures(
            workflow=workflow,
            rows=rows,
            complete_until=complete_until,
            by=self.user(request),
            now=timezone.now(),
            sites=self.actor(request).sites(workflow.pk),
        )
        refused += [
            {
                "index": places[one.index],
                "machine": one.machine,
                "errors": broken_rules(one.errors),
            }
            for one in result.refused
        ]
        refused.sort(key=lambda one: one["index"])
        return Response(failures_answer(result, refused), status=202)

    @documented(
        "failure_list",
        summary="The failures that were told of, the last one first",
        parameters=[SLUG, LIMIT, CURSOR, SITE],
        answers={200: object_of(Page[FailureShape], "FailurePage")},
        errors=[422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
        rows = told_failures(workflow, asked_sites(self, request, workflow))

        def shape(found: Sequence[MachineFailure]) -> list[FailureShape]:
            return [failure_shape(one) for one in found]

        return listed(request, rows, shape)


class FailureWithdraw(Operation):
    @documented(
        "failure_withdraw",
        summary="Take back a failure that was told by mistake",
        description=(
            "It stays in the list, with who withdrew it and why, and counts no more. "
            "Items that it labelled get the label that is known without it; `waiting` "
            "ones once failures of their time are said to be complete. Sent again, the "
            "same machine and moment is refused (`withdrawn`)."
        ),
        request=object_of(WithdrawalAsked),
        answers={200: object_of(WithdrawnShape)},
        errors=[*BODY_ERRORS, 409],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        failure = MachineFailure.objects.select_related("machine").get(pk=pk)
        actor, workflow_id = self.actor(request), failure.machine.workflow_id
        actor.require(Permission.OUTCOMES_ADD, workflow_id, by_site=True)
        if not is_within(failure.machine.site_id, actor.sites(workflow_id)):
            raise Http404
        body = read_object(request, ["reason"])
        done = withdraw_failure(
            failure=failure,
            by=self.user(request),
            reason=text_field(body, "reason", max_length=MAX_REASON),
            now=timezone.now(),
        )
        failure.refresh_from_db()
        answer: WithdrawnShape = {
            "failure": failure_shape(failure),
            "corrected": done.corrected,
            "waiting": done.waiting,
        }
        return Response(answer)


class AlarmFigures(Operation):
    @documented(
        "alarm_figures",
        summary="Alarms by lead time, false alarms per machine and week, costs",
        description=(
            "`since` and `until` are of the readings' own time; without them the "
            f"{WINDOW_DAYS} days before failures were last complete."
        ),
        parameters=[
            SLUG,
            SITE,
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
        ],
        answers={200: object_of(AlarmsShape)},
        errors=[409, 422],
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.METRICS_VIEW, by_site=True)
        since = moment_parameter(request, "since")
        until = moment_parameter(request, "until")
        if since and until and not 0 <= (until - since).days <= MAX_DAYS:
            raise InvalidRequest([FieldError("since", "range", since.isoformat())])
        report = alarm_report(
            workflow,
            since=since,
            until=until,
            sites=asked_sites(self, request, workflow),
        )
        if report is None:
            raise NoSeries
        currency = workflow.declaration.costs.currency
        return Response(alarms_shape(report, currency=currency))


def _failure_rows(
    sent: object,
) -> tuple[list[FailureRow], list[int], list[RefusedFailureShape]]:
    """Return the rows that can be read with their places, and the others."""
    if not isinstance(sent, list):
        raise InvalidRequest([FieldError("failures", "type", shown(sent))])
    if len(sent) > MAX_FAILURES:
        raise InvalidRequest([FieldError("failures", "too_many", len(sent))])
    rows, places = [], []
    refused: list[RefusedFailureShape] = []
    for index, raw in enumerate(sent):
        found, errors = read_failure(raw)
        if found is not None:
            rows.append(FailureRow(*found))
            places.append(index)
        else:
            named = {"index": index, "machine": "", "errors": broken_rules(errors)}
            refused.append(RefusedFailureShape(**named))  # type: ignore[typeddict-item]
    return rows, places, refused
