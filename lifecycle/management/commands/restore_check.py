"""Try whether the database and its files can be restored, and leave a proof of it."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from lifecycle.services.restore import RestoreImpossible, try_restore
from lifecycle.services.stored_files import check_files


class Command(BaseCommand):
    """Restore a copy beside the database, compare, read the files that rows name."""

    help = (
        "Copy the database, restore the copy into one beside it, compare rows and "
        "hashes of every table, and drop it again; read every file that a row names. "
        "Readiness shows when it was tried."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--files",
            type=Path,
            metavar="FOLDER",
            help="where a backup of the files was unpacked: looked for there, "
            "not in the live store",
        )
        group.add_argument(
            "--without-files", action="store_true", help="leave files out"
        )

    def handle(self, *, files: Path | None, without_files: bool, **_: object) -> None:
        if files is not None and not files.is_dir():
            raise CommandError(f"--files: {files} is no folder")
        look = None if without_files else partial(check_files, files)
        try:
            compared, _proof = try_restore(clock=timezone.now, look_at_files=look)
        except RestoreImpossible as error:
            raise CommandError(str(error)) from error
        if not compared.has_passed:
            raise CommandError(compared.words)
        self.stdout.write(compared.words)
