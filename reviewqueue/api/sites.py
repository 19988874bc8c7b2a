"""The sites of a workflow, and the parameter that cuts by one."""

from typing import Annotated, TypedDict

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import SITE_KEY_PATTERN, Site
from accounts.permissions import Permission
from accounts.queries import sites_of
from accounts.services_sites import change_site, declare_sites
from accounts.sites import Sites
from predictions.declaration import FieldError
from predictions.models import Workflow
from reviewqueue.api.base import (
    BODY_ERRORS,
    SLUG,
    Operation,
    documented,
    read_object,
    text_field,
)
from reviewqueue.api.lists import Page
from reviewqueue.api.problems import InvalidRequest
from reviewqueue.api.schema import object_of
from reviewqueue.queries.sites import site_choice

SITE = OpenApiParameter("site", str, description="the key of a site: nothing else")
KEY = OpenApiParameter(
    "key",
    {"type": "string", "pattern": SITE_KEY_PATTERN, "maxLength": 50},
    OpenApiParameter.PATH,
    description="The site's key.",
)


class SiteShape(TypedDict):
    """A place that items come from."""

    key: str
    name: str
    archived: bool


class SiteAsked(TypedDict):
    """What a site is to be called, and whether it is closed to new items."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    archived: bool


def site_shape(site: Site) -> SiteShape:
    archived = site.archived_at is not None
    return {"key": site.key, "name": site.name, "archived": archived}


def asked_sites(view: Operation, request: Request, workflow: Workflow) -> Sites:
    """Return the sites that the answer is about. Raises: InvalidRequest.

    Without `?site=` those that the caller is limited to, and no statement more.
    """
    key = request.query_params.get("site", "")
    if not key:
        return view.actor(request).sites(workflow.pk)
    choice = site_choice(view.actor(request), workflow.pk, key)
    if choice.unknown:
        raise InvalidRequest([FieldError("site", "unknown_site", key[:50])])
    return choice.sites


class SiteList(Operation):
    @documented(
        "site_list",
        summary="The sites of a workflow, by name",
        parameters=[SLUG],
        answers={200: object_of(Page[SiteShape], "SitePage")},
    )
    def get(self, request: Request, slug: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SETTINGS_VIEW)
        rows = sites_of(workflow.scope)
        return Response({"results": [site_shape(one) for one in rows], "next": None})


class SiteDetail(Operation):
    @documented(
        "site_put",
        summary="Add a site, or rename, archive or restore one",
        parameters=[SLUG, KEY],
        request=object_of(SiteAsked),
        answers={200: object_of(SiteShape)},
        errors=BODY_ERRORS,
    )
    def put(self, request: Request, slug: str, key: str) -> Response:
        workflow = self.workflow(request, slug, Permission.SETTINGS_CHANGE)
        body = read_object(request, ["name", "archived"], required=["name", "archived"])
        name = text_field(body, "name", max_length=200)
        if not isinstance(body["archived"], bool):
            raise InvalidRequest([FieldError("archived", "type", body["archived"])])
        now, user = timezone.now(), self.user(request)
        try:
            with transaction.atomic():
                declare_sites(
                    scope=workflow.scope, names={key: name}, actor=user, now=now
                )
                site = change_site(
                    site=Site.objects.get(scope_id=workflow.pk, key=key),
                    name=name,
                    archived=body["archived"],
                    actor=user,
                    now=now,
                )
        except ValidationError as error:
            raise InvalidRequest(
                [FieldError(field, "value") for field in error.message_dict]
            ) from error
        return Response(site_shape(site))
