"""The web process: what it does beside the requests once it is there."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = """
import gc, sys, threading, time
import config.wsgi
from predictions.learning.scorer import shared_scorer

assert callable(config.wsgi.application)
assert "reviewqueue.api.urls" in sys.modules
assert gc.get_freeze_count() > 100_000
deadline = time.monotonic() + 60
while shared_scorer().pid is None and time.monotonic() < deadline:
    time.sleep(0.05)
print(shared_scorer().pid is not None)
[warming] = [one for one in threading.enumerate() if one.name == "warm-up"] or [None]
assert warming is None or warming.daemon
shared_scorer().close()
"""


def test_web_process_warms_itself_without_a_request() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "True\n"
