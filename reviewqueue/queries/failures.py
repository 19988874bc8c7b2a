"""Failures of machines, as they were told."""

from django.db.models import QuerySet

from accounts.sites import Sites, within_sites
from predictions.models import MachineFailure, Workflow


def told_failures(workflow: Workflow, sites: Sites) -> QuerySet[MachineFailure]:
    """Return the failures of a workflow's machines, with who told and withdrew them."""
    rows = MachineFailure.objects.filter(machine__workflow=workflow)
    return within_sites(rows, sites, "machine__site").select_related(
        "machine", "received_from", "withdrawal__by"
    )
