"""What the commands are about: a workflow by its slug, a version by its number.

And how they say what was refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from predictions.models import ModelVersion, Workflow


def workflow_by_slug(slug: str) -> Workflow:
    """Return the workflow. Raises: CommandError naming those that there are."""
    workflow = Workflow.objects.filter(slug=slug).first()
    if workflow is None:
        known = ", ".join(
            Workflow.objects.order_by("slug").values_list("slug", flat=True)
        )
        raise CommandError(
            f"No workflow is named {slug!r} (there are: {known or 'none'})."
        )
    return workflow


def version_by_number(workflow: Workflow, number: int) -> ModelVersion:
    """Return the version. Raises: CommandError naming those that there are."""
    version = ModelVersion.objects.filter(workflow=workflow, number=number).first()
    if version is None:
        numbers = ModelVersion.objects.filter(workflow=workflow).order_by("number")
        known = ", ".join(str(one) for one in numbers.values_list("number", flat=True))
        raise CommandError(
            f"{workflow.slug} has no version {number} (there are: {known or 'none'})."
        )
    return version


@contextmanager
def refusals_in_words(*refusals: type[Exception]) -> Iterator[None]:
    """Say a file that cannot be read, and these refusals, as a command does.

    Raises: CommandError.
    """
    try:
        yield
    except OSError as error:
        raise CommandError(f"{error.strerror}: {error.filename}") from error
    except refusals as error:
        raise CommandError(str(error)) from error
