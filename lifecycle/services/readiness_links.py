"""Where the evidence of a line is shown."""

from django.urls import reverse

from lifecycle.judging.readiness import Link
from predictions.models import Workflow


def address_of(link: Link, workflow: Workflow) -> str:
    """Return the path of a page that shows the evidence."""
    ids = {"slug": workflow.slug} | ({"pk": link.pk} if link.pk else {})
    path = reverse(link.view, kwargs=ids)
    return f"{path}?{link.query}" if link.query else path
