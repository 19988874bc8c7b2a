"""`./run` from another folder: a stand-in project, and stand-ins for what it calls."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from embedded.children import PROJECT

# As pyenv's shims do: which Python runs is said by a file of the folder one is in.
SHIM = """#!/bin/sh
[ -f .python-version ] || { echo "no Python is chosen here" >&2; exit 127; }
case "$*" in
    *"-m pip"*) exit 1 ;;
    *"-m venv"*) mkdir -p "$3/bin" && cp "$INNER" "$3/bin/python" ;;
esac
"""
# The interpreter of the environment: tells where it was started, and with what.
INNER = """#!/bin/sh
case "$*" in
    *"-m pip"* | *version_info*) exit 0 ;;
esac
pwd >"$TOLD"
echo "$@" >>"$TOLD"
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("run", ".python-version"):
        shutil.copy(PROJECT / name, folder)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).touch()
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    shims = tmp_path / "shims"
    for name in ("python3.14", "python3.13", "python3.12", "python3", "python"):
        script(shims / name, SHIM)
    script(shims / "uv", "#!/bin/sh\nexit 127\n")
    return {
        "PATH": f"{shims}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "INNER": str(script(tmp_path / "inner", INNER)),
        "TOLD": str(tmp_path / "told"),
    }


def test_environment_is_made_in_the_project_and_paths_stay_the_callers(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    done = subprocess.run(
        [str(project / "run"), "up", "--data", "mine"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    folder, words = (tmp_path / "told").read_text().splitlines()
    assert Path(folder) == elsewhere
    assert words.endswith("-m embedded up --data mine")
    assert list(elsewhere.iterdir()) == []


def test_failed_installation_is_not_taken_for_one(
    project: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (project / ".python-version").unlink()

    done = subprocess.run(
        [str(project / "run"), "up"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert not (tmp_path / "told").exists()
    assert not (project / ".uv" / "installing").exists()
