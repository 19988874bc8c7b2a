"""What the product does in how much time, beside raw PostgreSQL in the same run.

Importing the package makes Django ready: the processes that a benchmark starts import
nothing else first.
"""

import os

import django
from django.apps import apps

from config.memory import settle

# Where somebody else made it ready, as the tests do, their environment stays theirs.
if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    # Twenty reviewers are threads of two processes here, each with its connection.
    os.environ.setdefault("DATABASE_POOL_SIZE", "24")
    django.setup()
    settle()  # as web processes do
