"""Count again from the rows what the figures are made of."""

from typing import Any

from django.core.management.base import BaseCommand

from reviewqueue.services.tallies import recount


class Command(BaseCommand):
    help = (
        "Count decisions, routes and late truth again, after a restore with triggers "
        "off. Keeps writers out meanwhile; says whether the counts had been right."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 -- Django
        was_right = recount()
        self.stdout.write("The counts were right." if was_right else "Counted again.")
