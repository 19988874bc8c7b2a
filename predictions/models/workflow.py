"""Workflows: one decision supported for one group of users with one metric."""

from copy import deepcopy
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.ids import uuid7
from accounts.models import Scope
from predictions.declaration import Declaration, declaration_from_json
from predictions.models.append_only import append_only

MAX_PARSED = 256
# What every write of a declaration changes.
DECLARED = ("version", "updated_at")
_parsed: dict[tuple[object, ...], tuple[Any, Declaration]] = {}


class Workflow(models.Model):
    """A workflow and the declaration in force; its key is its scope's."""

    scope = models.OneToOneField(
        Scope, on_delete=models.PROTECT, primary_key=True, related_name="workflow"
    )
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    declaration_json = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"workflow {self.slug}"

    @cached_property
    def declaration(self) -> Declaration:
        """The declaration in force, parsed once per process.

        Rows may be loaded without `declaration_json`, which is long.
        """
        source, found = _parsed.get(self._declared(), (None, None))
        is_here = "declaration_json" not in self.get_deferred_fields()
        if found and not (is_here and self.declaration_json != source):
            return found
        if not is_here:
            # In one statement, so that they belong together.
            self.refresh_from_db(fields=[*DECLARED, "declaration_json"])
        found = declaration_from_json(self.declaration_json)
        if len(_parsed) >= MAX_PARSED:
            _parsed.clear()
        _parsed[self._declared()] = deepcopy(self.declaration_json), found
        return found

    def _declared(self) -> tuple[object, ...]:
        # The moment too: what was rolled back may have had the same version.
        return self.pk, *(getattr(self, name) for name in DECLARED)


class WorkflowVersion(models.Model):
    """Every declaration that was in force."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.ForeignKey(
        Workflow, on_delete=models.PROTECT, related_name="versions"
    )
    version = models.PositiveIntegerField()
    declaration_json = models.JSONField(encoder=DjangoJSONEncoder)
    source_toml = models.TextField()
    changes = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "version"),
                name="predictions_workflow_version_unique",
            ),
        )
        triggers = (append_only(),)

    def __str__(self) -> str:
        return f"workflow {self.workflow_id} version {self.version}"


class FeatureProfile(models.Model):
    """How the recent items of a workflow are distributed, feature by feature.

    `profile` maps a feature's name to `{"n", "missing", "quantiles": [101 values]}`
    or `{"n", "missing", "shares": {value: share}}`.
    """

    workflow = models.OneToOneField(
        Workflow,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="feature_profile",
    )
    profile = models.JSONField()
    n_items = models.PositiveIntegerField()
    since = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"feature profile of {self.workflow_id}"
