"""The project: settings, addresses, Celery, WSGI. Belongs to no app."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
