"""Make again from the rows what figures and evidence are read from."""

from typing import Any

from django.core.management.base import BaseCommand

from reviewqueue.services.observations import rebuild_observations
from reviewqueue.services.tallies import recount


class Command(BaseCommand):
    help = (
        "Count decisions, routes, late truth and evidence again, after a restore with "
        "triggers off. Keeps writers out meanwhile; says whether all had been right."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 -- Django
        was_right = all([recount(), rebuild_observations()])
        self.stdout.write("The counts were right." if was_right else "Counted again.")
