"""Run Django's commands with the project's settings."""

import gc
import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] in (["migrate"], ["demo"]):
        # Nearly all that a collection would look at is in use as long as they run: it
        # takes up to a third of their time. They need 700 MB at the most.
        gc.disable()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
