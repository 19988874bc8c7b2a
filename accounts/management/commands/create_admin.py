"""Make the first site admin of an installation."""

import os
import sys
from argparse import ArgumentParser
from getpass import getpass

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import AccessError, create_admin

PASSWORD_VARIABLE = "COUNTERSIGN_ADMIN_PASSWORD"  # noqa: S105 -- the name of a variable


class Command(BaseCommand):
    """Create a site admin; the password never stands on the command line."""

    help = (
        "Create a site admin. The password is read from the environment variable "
        f"{PASSWORD_VARIABLE}, else from standard input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="")

    def handle(self, *args: object, **options: str) -> None:
        try:
            user = create_admin(
                username=options["username"],
                email=options["email"],
                password=_password(),
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except AccessError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Created the site admin {user.username}.")


def _password() -> str:
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    if sys.stdin.isatty():
        return getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")
