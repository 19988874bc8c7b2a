"""The description of production against what the application needs.

No container engine runs here: the files are parsed and compared.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django import Settings

from tests.test_operations_page import read_settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("migrate", "web", "worker", "beat")
LASTING = ("web", "worker", "beat", "postgres", "valkey")
SECRETS = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"}
# Whatever else is secret, told by its name.
SECRET_NAME = re.compile(r"(?:PASSWORD|TOKEN|SECRET\w*|HEADERS)$")
# What may not be set in production, and what has a good default there.
NEVER = {"DEBUG", "INSECURE_HTTP"}


def image_environment() -> dict[str, str]:
    block = DOCKERFILE.rpartition("FROM ")[2].partition("RUN ")[0]
    return dict(re.findall(r"\b([A-Z][A-Z0-9_]+)=(\S+)", block))


def target(volume: str | dict[str, str]) -> str:
    """Return where a volume is mounted, in both ways of writing it."""
    return volume["target"] if isinstance(volume, dict) else volume.partition(":")[2]


def test_services_are_those_of_the_product() -> None:
    assert set(SERVICES) == {*OURS, "postgres", "valkey"}
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["valkey"]["image"].startswith("valkey/valkey:")


@pytest.mark.parametrize("name", OURS)
def test_every_setting_without_a_default_is_given(name: str) -> None:
    given = {word.removesuffix("_FILE") for word in SERVICES[name]["environment"]}
    required = {one for one, shown in read_settings().items() if shown == "required"}

    assert required == SECRETS
    assert required | {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"} <= given
    assert not NEVER & (given | set(image_environment()))


@pytest.mark.parametrize("name", OURS)
def test_only_settings_that_are_read_are_given(name: str) -> None:
    given = {word.removesuffix("_FILE") for word in SERVICES[name]["environment"]}

    assert given <= set(read_settings())


@pytest.mark.parametrize("name", LASTING)
def test_secrets_come_from_files(name: str) -> None:
    service = SERVICES[name]
    mounted = {f"/run/secrets/{secret}" for secret in service["secrets"]}
    environment = service.get("environment", {})
    files = {value for key, value in environment.items() if key.endswith("_FILE")}

    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    assert files <= mounted
    assert not SECRETS & set(environment)
    if name in OURS:
        secrets = SECRETS | set(filter(SECRET_NAME.search, read_settings()))
        assert {f"{secret}_FILE" for secret in secrets} <= set(environment)
        assert len(files) == len(secrets) == len(service["secrets"])
    assert all("file" in secret for secret in COMPOSE["secrets"].values())
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()
    assert "/secrets/" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_is_watched_and_comes_back(name: str) -> None:
    check = SERVICES[name].get("healthcheck")

    assert SERVICES[name]["restart"] == "unless-stopped"
    assert (check and check["test"]) or (name == "web" and "HEALTHCHECK" in DOCKERFILE)


def test_health_checks_ask_what_is_served() -> None:
    urls = (ROOT / "config" / "urls.py").read_text()

    [address] = re.findall(r"http://localhost:8000/(health/[a-z]+)", DOCKERFILE)
    assert f'path("{address}"' in urls
    # The check's own Host header must be among the allowed ones.
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"].endswith(",localhost")


def test_nothing_runs_as_root_or_may_become_it() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["countersign"]
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


def test_only_the_web_server_is_reached_and_only_from_this_host() -> None:
    ports = {
        name: service["ports"]
        for name, service in SERVICES.items()
        if "ports" in service
    }

    assert list(ports) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


@pytest.mark.parametrize("name", OURS)
def test_what_is_written_has_a_place(name: str) -> None:
    """The root is read-only: every folder that is written is mounted."""
    service, image = SERVICES[name], image_environment()
    places = [target(volume) for volume in service["volumes"]]
    places += service["tmpfs"]
    written = (
        "COUNTERSIGN_MEDIA_ROOT",
        "ARTIFACT_CACHE_DIR",
        "PROMETHEUS_MULTIPROC_DIR",
        "TMPDIR",
    )
    for variable in written:
        folder = image[variable]
        assert any(f"{folder}/".startswith(f"{place}/") for place in places), variable


def test_secrets_of_the_example_are_files() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert not [one for one in lines if SECRET_NAME.search(one.partition("=")[0])]


@pytest.mark.parametrize("name", OURS)
def test_what_may_be_large_lies_on_the_disk(name: str) -> None:
    """A tmpfs is memory: an upload that is spooled there may take all of it."""
    service, image = SERVICES[name], image_environment()
    on_disk = [target(volume) for volume in service["volumes"]]

    for variable in ("COUNTERSIGN_MEDIA_ROOT", "ARTIFACT_CACHE_DIR", "TMPDIR"):
        folder = image[variable]
        assert any(f"{folder}/".startswith(f"{place}/") for place in on_disk), variable
        assert folder not in service["tmpfs"]
        # Docker gives a new volume the owner of the folder that it covers.
        assert re.search(rf"install .*(?:\\\n.*)*{folder}\b", DOCKERFILE)


def test_processes_wait_for_what_they_need() -> None:
    for name in ("web", "worker", "beat"):
        needed = SERVICES[name]["depends_on"]
        assert needed["migrate"]["condition"] == "service_completed_successfully"
        assert needed["postgres"]["condition"] == "service_healthy"
        assert needed["valkey"]["condition"] == "service_healthy"


def test_warm_stop_outlasts_the_longest_task(settings: Settings) -> None:
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace > settings.CELERY_TASK_TIME_LIMIT
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert visibility > settings.CELERY_TASK_TIME_LIMIT


def test_example_names_what_the_compose_file_asks_for() -> None:
    asked = set(
        re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text())
    )
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if "=" in line and line[0] != "#"}

    assert asked - {"COUNTERSIGN_VERSION"} == named


def test_image_installs_the_lock_on_the_python_of_the_project() -> None:
    python = (ROOT / ".python-version").read_text().strip()

    assert set(re.findall(r"^FROM python:([\d.]+)", DOCKERFILE, re.MULTILINE)) == {
        python
    }
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
