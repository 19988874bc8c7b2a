"""A process with models takes the memory that the settings give it."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from predictions.learning import scorer as learning
from predictions.services.artifacts import scorer


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="Linux alone")
def test_memory_of_the_scorer_is_that_of_the_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCORER_MEMORY_MB = 1536
    monkeypatch.setattr(learning, "_shared", [])

    own = scorer()
    own.start()
    limits = Path(f"/proc/{own.pid}/limits").read_text()
    own.close()

    [limit] = re.findall(r"^Max address space +(\d+)", limits, re.MULTILINE)
    assert int(limit) == 1536 * 2**20
