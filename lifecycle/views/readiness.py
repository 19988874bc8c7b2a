"""Whether a workflow is ready: every question with its evidence, and the report."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Permission
from lifecycle.enums import Answer, ProofKind, RiskFunction
from lifecycle.forms_readiness import RightsForm
from lifecycle.judging.readiness import Line
from lifecycle.queries.readiness import newest_proof
from lifecycle.queries.rights import Right, fingerprint, rights_in
from lifecycle.services.readiness import (
    RightsChanged,
    Standing,
    readiness_of,
    record_rights_review,
)
from lifecycle.services.readiness_links import address_of
from predictions.models import Workflow
from predictions.views.access import open_workflow

ADMIN = {"admin": "Site admin"}
TONES = {
    Answer.YES: ("yes", "good"),
    Answer.NO: ("no", "alarm"),
    Answer.TOO_OLD: ("too old", "warn"),
    Answer.NEVER: ("never", ""),
}


@require_GET
def readiness(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every question with its verdict, its evidence and its owner."""
    page, workflow = open_workflow(request, slug, Permission.READINESS_VIEW)
    return _page(page, workflow)


@require_GET
def readiness_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the same as one file that needs nothing else, to keep or to print."""
    _, workflow = open_workflow(request, slug, Permission.READINESS_VIEW)
    now = timezone.now()
    standing = readiness_of(workflow, now=now)
    context = _context(workflow, standing) | {
        "base": request.build_absolute_uri("/").rstrip("/"),
        "declaration": workflow.declaration,
        "owners": workflow.declaration.owners.model_dump().items(),
    }
    body = render_to_string("files/readiness_report.html", context)
    return as_file(body, f"{workflow.slug}-readiness-{now:%Y-%m-%d}.html")


def as_file(body: str, name: str) -> HttpResponse:
    """Answer with a page of its own styles, which only a file may have."""
    return HttpResponse(
        body,
        content_type="text/html; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
def readiness_rights(request: HttpRequest, slug: str) -> HttpResponse:
    """Record that somebody went through who may do what."""
    page, workflow = open_workflow(request, slug, Permission.READINESS_RECORD)
    form = RightsForm(request.POST)
    if not form.is_valid():
        return _page(page, workflow, form=form, status=422)
    try:
        record_rights_review(
            workflow=workflow,
            seen=form.cleaned_data["seen"],
            note=form.cleaned_data["note"],
            by=page.user,
            now=timezone.now(),
        )
    except RightsChanged as changed:
        form.add_error(None, str(changed))
        return _page(page, workflow, form=form, status=409)
    messages.success(request, "Your review of rights is recorded.")
    return redirect("lifecycle:readiness", slug=workflow.slug)


def _page(
    request: HttpRequest,
    workflow: Workflow,
    *,
    form: RightsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    may_record = request.actor.can(Permission.READINESS_RECORD, workflow.pk)  # type: ignore[attr-defined]
    rights = rights_in(workflow, now=now) if may_record else []
    context = _context(workflow, readiness_of(workflow, now=now)) | {
        "form": form or RightsForm(),
        "may_record": may_record,
        "rights": rights,
        "holders": _holders(rights),
        "seen": fingerprint(rights),
        "restore": newest_proof(ProofKind.RESTORE, None),
    }
    return render(request, "lifecycle/readiness.html", context, status=status)


def _holders(rights: list[Right]) -> list[dict[str, object]]:
    """Put together what each person holds; a site admin has that as a role."""
    roles: dict[str, list[str]] = {}
    keys: dict[str, list[dict[str, object]]] = {}
    for one in rights:
        roles.setdefault(one["holder"], [])
        keys.setdefault(one["holder"], [])
        if one["kind"] == "key":
            prefix, _, verbs = one["what"].partition(": ")
            told = {"prefix": prefix, "verbs": verbs, "until": one["until"]}
            keys[one["holder"]].append(told | {"n_verbs": verbs.count(",") + 1})
        else:
            roles[one["holder"]].append(ADMIN.get(one["kind"], one["what"]))
    names = {one["holder"]: one["name"] for one in rights}
    return [
        {"name": name, "roles": roles[holder], "keys": keys[holder]}
        for holder, name in sorted(names.items(), key=lambda one: one[1].lower())
    ]


def _context(workflow: Workflow, standing: Standing) -> dict[str, object]:
    verdicts = [line.verdict for line in standing.lines]
    return {
        "workflow": workflow,
        "standing": standing,
        "sections": [
            {
                "key": function.value,
                "title": function.label,
                "rows": [
                    _row(line, workflow)
                    for line in standing.lines
                    if line.function == function
                ],
            }
            for function in RiskFunction
        ],
        "counts": [
            (words, tone, verdicts.count(verdict))
            for verdict, (words, tone) in TONES.items()
        ],
        "n_lines": len(standing.lines),
    }


def _row(line: Line, workflow: Workflow) -> dict[str, object]:
    words, tone = TONES[line.verdict]
    return {
        "line": line,
        "verdict": words,
        "tone": tone,
        "links": [(link.text, address_of(link, workflow)) for link in line.links],
    }
