"""The WSGI entry point."""

import os
import threading
from importlib import import_module

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.tracing import start_tracing  # noqa: E402 -- needs the settings

# Before the middleware is put together, which is how requests are traced.
start_tracing("web")
application = get_wsgi_application()

from config.memory import settle  # noqa: E402 -- needs the apps
from predictions.services.warm_up import warm_scorer  # noqa: E402 -- needs the apps

# Here and not in the first request.
import_module(settings.ROOT_URLCONF)
settle()

# Beside the requests: pages and health are answered meanwhile.
threading.Thread(target=warm_scorer, name="warm-up", daemon=True).start()
