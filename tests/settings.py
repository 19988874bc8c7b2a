"""The project's settings, with what only tests need changed."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403 -- overrides only

# The first process of a run makes one folder and takes it away at its end, with what
# those that it started have put there: some of them are killed.
if "TESTS_SCRATCH" not in os.environ:
    os.environ["TESTS_SCRATCH"] = tempfile.mkdtemp(prefix="cs-media-")
    atexit.register(shutil.rmtree, os.environ["TESTS_SCRATCH"], ignore_errors=True)
_SCRATCH = Path(tempfile.mkdtemp(dir=os.environ["TESTS_SCRATCH"]))
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
