"""Create and change workflows from their declaration."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Scope, User
from predictions.declaration import (
    Declaration,
    DeclarationError,
    FieldError,
    parse_declaration,
)
from predictions.declaration_changes import declaration_changes
from predictions.models import Workflow, WorkflowVersion


class Overtaken(DeclarationError):
    """Another version is in force than the one that the writer saw.

    `in_force` is its number, `differences` what the text would change in it.
    """

    def __init__(self, seen: int, in_force: int, differences: list[str]) -> None:
        super().__init__([FieldError("version", "not_in_force", seen)])
        self.in_force = in_force
        self.differences = differences


@transaction.atomic
def declare_workflow(
    *,
    source_toml: str,
    by: User | None,
    now: datetime,
    slug: str | None = None,
    seen_version: int | None = None,
) -> tuple[Workflow, list[str]]:
    """Create the workflow that the text declares, or bring it in line with it.

    Locks the workflow; writes a version row when anything changed. Returns it with
    the changes in words, none when the declaration is in force already. `slug`, where
    given, must be the declared one, `seen_version` the one in force. What a policy in
    force says stays: the declaration's policy is where a new workflow starts.
    Raises: DeclarationError; Overtaken.
    """
    declaration = parse_declaration(source_toml)
    if slug is not None and declaration.slug != slug:
        raise DeclarationError([FieldError("slug", "fixed", declaration.slug)])
    existing = (
        Workflow.objects.select_for_update().filter(slug=declaration.slug).first()
    )
    if existing is None:
        workflow = _create(declaration, source_toml, by=by, now=now)
        return workflow, ["created"]
    changes = declaration_changes(existing.declaration, declaration)
    if not changes.changes:
        return existing, []
    if seen_version not in {None, existing.version}:
        raise Overtaken(seen_version, existing.version, changes.changes)
    existing.version += 1
    existing.name = declaration.name
    existing.declaration_json = declaration.to_json()
    existing.updated_at = now
    existing.save(update_fields=["version", "name", "declaration_json", "updated_at"])
    existing.__dict__.pop("declaration", None)
    Scope.objects.filter(pk=existing.pk).update(name=declaration.name)
    _note_version(existing, source_toml, changes.changes, by=by, now=now)
    return existing, list(changes.changes)


@transaction.atomic
def create_workflow(*, source_toml: str, by: User | None, now: datetime) -> Workflow:
    """Create the workflow that the text declares, and its first version.

    Raises: DeclarationError, also when a workflow has that slug already.
    """
    declaration = parse_declaration(source_toml)
    taken = DeclarationError([FieldError("slug", "taken", declaration.slug)])
    if Scope.objects.filter(slug=declaration.slug).exists():
        raise taken
    try:
        return _create(declaration, source_toml, by=by, now=now)
    except IntegrityError as error:
        raise taken from error  # somebody was faster


def _create(
    declaration: Declaration, source_toml: str, *, by: User | None, now: datetime
) -> Workflow:
    scope = Scope.objects.create(slug=declaration.slug, name=declaration.name)
    workflow = Workflow.objects.create(
        scope=scope,
        slug=declaration.slug,
        name=declaration.name,
        declaration_json=declaration.to_json(),
        created_at=now,
        updated_at=now,
    )
    _note_version(workflow, source_toml, ["created"], by=by, now=now)
    return workflow


def _note_version(
    workflow: Workflow,
    source_toml: str,
    changes: list[str],
    *,
    by: User | None,
    now: datetime,
) -> None:
    WorkflowVersion.objects.create(
        workflow=workflow,
        version=workflow.version,
        declaration_json=workflow.declaration_json,
        source_toml=source_toml,
        changes=changes,
        created_by=by,
        created_at=now,
    )
