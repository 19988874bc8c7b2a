"""What must hold of the repository as a whole, read from its files."""

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Put together here, so that this file does not hold what it looks for.
INDEX_WORDS = ("pypi" + ".org", "python" + "hosted", "index" + "-url =", "npm" + "js")
MACHINE_PATHS = re.compile(
    r"(?<![\w.~}-])/(?:ro" + r"ot|ho" + r"me|wo" + r"rk|Us" + r"ers|t" + r"mp)/[\w.]"
)
PRIVATE_HOSTS = re.compile(
    r"\b(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])"
    r"(?:\.\d{1,3}){2})\b(?!/\d)|\b[\w-]+\.(?:internal|corp|lan)\b(?!\.)"
)
WORKPLACE = re.compile(
    r"\b(?:clau" + r"de|anthro" + r"pic|chat" + r"gpt|copi" + r"lot|"
    r"shared/(?:des" + r"ign|st" + r"ack|sty" + r"le|fi" + r"eld))\b",
    re.IGNORECASE,
)
LICENCE_MARKS = re.compile(
    r"@lic" + r"ense|sourceMapping" + r"URL|jQuery v\d|htmx\.org v", re.IGNORECASE
)
PRODUCT = re.compile(
    r"(?:accounts|config|embedded|lifecycle|predictions|reviewqueue|ui)/.*\.py$"
)
# Django finds it by itself, for the hasher that the settings name.
USED_BY_NAME = {"argon2-cffi"}
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
RUN = re.compile(r"\./run ([a-z]+)")


@cache
def tracked() -> tuple[Path, ...]:
    """List what the repository holds, or would hold: no caches, no data."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        message = "Not a checkout: nothing says what belongs to the project."
        if os.environ.get("EVERY_CHECK"):
            pytest.fail(f"{message} {listed.stderr.strip()}")
        pytest.skip(message)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file that is text."""
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            yield str(path.relative_to(ROOT)), data.decode("utf-8")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_index() -> None:
    words = re.compile("|".join(map(re.escape, INDEX_WORDS)), re.IGNORECASE)

    assert lines_with(words) == []


def test_no_file_names_a_private_host() -> None:
    assert lines_with(PRIVATE_HOSTS) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATHS) == []


def test_no_file_speaks_of_the_workplace() -> None:
    assert lines_with(WORKPLACE) == []


def test_scripts_and_styles_are_our_own() -> None:
    """What others wrote comes from packages; a minified file is not ours."""
    for path in tracked():
        if path.suffix in {".js", ".css"}:
            text = path.read_text(encoding="utf-8")
            assert not path.name.endswith((".min.js", ".min.css")), path
            assert max(map(len, text.splitlines())) < 600, path
            assert not LICENCE_MARKS.search(text), path


def test_changelog_is_there() -> None:
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").startswith("# ")


# --- locks ---------------------------------------------------------------------------
def locked(name: str) -> dict[str, list[str]]:
    """Return the pinned requirements of a lock, with the hashes of each."""
    joined = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#"):
            pinned, *hashes = re.split(r"\s+--hash=", line.strip())
            found[pinned] = hashes
    return found


def versions(name: str) -> dict[str, set[str]]:
    """Return the version or versions (by platform) of each package of a lock."""
    found: dict[str, set[str]] = {}
    for pinned in locked(name):
        requirement = Requirement(pinned)
        [pin] = requirement.specifier
        assert pin.operator == "==", pinned
        found.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    sha256 = re.compile(r"sha256:[0-9a-f]{64}")
    for pinned, hashes in locked(name).items():
        assert hashes, pinned
        assert all(sha256.fullmatch(one) for one in hashes), pinned


@pytest.mark.parametrize(("name", "extras"), [(LOCKS[0], []), (LOCKS[1], ["dev"])])
def test_lock_holds_what_the_project_asks_for(name: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    pins = versions(name)
    for wanted in map(Requirement, asked):
        held = pins.get(canonicalize_name(wanted.name), set())
        assert held, f"{wanted} is not in {name}: ./run lock"
        assert all(wanted.specifier.contains(one) for one in held), f"{wanted}: {held}"


def test_development_lock_holds_the_other_at_the_same_versions() -> None:
    used, both = versions(LOCKS[0]), versions(LOCKS[1])

    assert used == {name: both.get(name) for name in used}


@cache
def modules() -> dict[str, set[str]]:
    """Return what each installed distribution is imported as."""
    found: dict[str, set[str]] = {}
    for module, owners in packages_distributions().items():
        if module.isidentifier():
            for owner in owners:
                found.setdefault(canonicalize_name(owner), set()).add(module)
    return found


def test_every_dependency_is_used() -> None:
    """Imported, or named as an app, a backend, a program or a folder to look in."""
    code = "\n".join(text for name, text in texts() if PRODUCT.match(name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {
        canonicalize_name(Requirement(one).name) for one in project["dependencies"]
    }

    unused = {
        name
        for name in asked - USED_BY_NAME
        if not re.search(
            rf"(?:^|\n) *(?:import|from) (?:{(found := '|'.join(modules()[name]))})\b"
            rf"|[\"'](?:{found})[.\"']",
            code,
        )
    }

    assert unused == set()


# --- pages ---------------------------------------------------------------------------
def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in words}


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for page in pages():
        for link in LINK.finditer(page.read_text(encoding="utf-8")):
            target, _, anchor = link["target"].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            path = (page.parent / target) if target else page
            if not path.exists() or (anchor and anchor not in anchors(path)):
                broken.append(f"{page.relative_to(ROOT)}: {link['target']}")

    assert broken == []


def test_every_command_that_pages_name_exists() -> None:
    script = (ROOT / "run").read_text(encoding="utf-8")
    known = set(re.findall(r"^    ([a-z]+)\)", script, re.MULTILINE))
    named = {word for page in pages() for word in RUN.findall(page.read_text("utf-8"))}

    assert {"up", "test", "lint"} <= named <= known


def test_every_management_command_that_pages_name_exists() -> None:
    ours = {
        path.stem
        for path in ROOT.glob("*/management/commands/*.py")
        if path.stem != "__init__"
    }
    of_django = {"migrate", "collectstatic", "clearsessions", "shell", "check"}
    pattern = re.compile(r"(?:\./run manage|manage\.py) ([a-z_]+)")
    named = {
        word for page in pages() for word in pattern.findall(page.read_text("utf-8"))
    }

    assert named <= ours | of_django | {"makemigrations"}
