"""The project's settings, with what only tests need changed."""

import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403 -- overrides only

_SCRATCH = Path(tempfile.mkdtemp(prefix="cs-media-"))
MEDIA_ROOT = _SCRATCH
ARTIFACT_CACHE_DIR = _SCRATCH / "artifact-cache"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = _SCRATCH / "static"
STATIC_ROOT.mkdir()
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
LOG_LEVEL = "ERROR"
CELERY_TASK_ALWAYS_EAGER = False
