"""`docs/operations.md` names every setting that is read, with its default."""

import ast
import re
from pathlib import Path

import pytest
from pytest_django import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SETTINGS = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
ROW = re.compile(
    r"^\| `(?P<name>[A-Z][A-Z0-9_]+)` \| (?P<default>[^|]*) \|", re.MULTILINE
)
READERS = {"text", "flag", "integer", "words"}
ELSEWHERE = ("accounts", "config", "lifecycle", "predictions", "reviewqueue", "ui")
# Where a default is a path below another setting, the page says it in words.
IN_WORDS = {
    "COUNTERSIGN_STATIC_ROOT": "`staticfiles`",
    "COUNTERSIGN_MEDIA_ROOT": "`data/media`",
    "ARTIFACT_CACHE_DIR": "`artifact-cache` in the media folder",
}


def read_settings() -> dict[str, str]:
    """Return each variable that the settings read, with its default as shown."""
    found = {}
    for call in ast.walk(SETTINGS):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env"), attr=reader),
                args=[ast.Constant(value=str(name)), *default],
            ) if reader in READERS:
                found[name] = IN_WORDS.get(name) or shown(reader, default)
    return found


def shown(reader: str, default: list[ast.expr]) -> str:
    if default:
        source = compile(ast.Expression(default[0]), "settings", "eval")
        value = str(eval(source, {}))  # noqa: S307 -- our own settings
    elif reader == "text":
        return "required"
    else:
        value = "0" if reader == "flag" else ""
    return f"`{value}`" if value else "empty"


def test_table_names_what_the_settings_read_with_its_default() -> None:
    table = {row["name"]: row["default"] for row in ROW.finditer(PAGE)}

    assert table == read_settings()


@pytest.mark.parametrize("package", ELSEWHERE)
def test_what_else_is_read_is_named(package: str) -> None:
    """A variable read past the settings would be known to nobody."""
    pattern = re.compile(r"os\.environ(?:\.get\(|\[)\"([A-Z0-9_]+)\"")
    for path in (ROOT / package).rglob("*.py"):
        for name in pattern.findall(path.read_text(encoding="utf-8")):
            assert f"`{name}`" in PAGE, path


def test_table_of_tasks_is_the_schedule(settings: Settings) -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    every = {name: f"{entry['schedule']} s" for name, entry in schedule.items()}

    assert rows == every | {"score-what-waits": "`SWEEP_SECONDS`"}
