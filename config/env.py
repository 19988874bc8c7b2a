"""Typed readers of the environment that fail loudly."""

import os
from pathlib import Path
from typing import TypedDict
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


class DatabaseConfig(TypedDict):
    ENGINE: str
    NAME: str
    USER: str
    PASSWORD: str
    HOST: str
    PORT: str


def text(name: str, default: str | None = None) -> str:
    """Read a text; `NAME_FILE` names a file that holds it.

    Raises: ImproperlyConfigured when it is missing and has no default.
    """
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if value is None:
        msg = f"The environment variable {name} (or {name}_FILE) is missing."
        raise ImproperlyConfigured(msg)
    return value


def integer(name: str, default: int) -> int:
    """Read a whole number. Raises: ImproperlyConfigured when it is none."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        msg = f"The environment variable {name} must be a whole number, not {value!r}."
        raise ImproperlyConfigured(msg) from error


def flag(name: str, *, default: bool = False) -> bool:
    """Read a switch: 1/true/yes/on or 0/false/no/off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    msg = f"The environment variable {name} must be true or false, not {value!r}."
    raise ImproperlyConfigured(msg)


def words(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def addresses(name: str) -> dict[str, str]:
    """Read a comma-separated list of URL prefixes, each with a secret or without.

    A second word names the variable (or `…_FILE`) that holds the secret: it is not
    written down beside the address. Raises: ImproperlyConfigured.
    """
    found = {}
    for entry in words(name):
        prefix, *secret = entry.split()
        if len(secret) > 1:
            msg = f"{name}: an address and the name of a secret, not {len(secret) + 1}."
            raise ImproperlyConfigured(msg)
        found[prefix] = text(secret[0]) if secret else ""
    return found


def database(url: str) -> DatabaseConfig:
    """Read `postgres://user:password@host:port/name`; `?host=` gives a socket folder.

    Raises: ImproperlyConfigured for any other database.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        msg = (
            f"DATABASE_URL must begin with postgres://, not {parts.scheme}://: "
            "Countersign needs PostgreSQL 18 or later."
        )
        raise ImproperlyConfigured(msg)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", parts.hostname or ""),
        "PORT": query.get("port", str(parts.port or "")),
    }


def celery_broker(redis_url: str) -> str:
    """Translate a cache address into kombu's form (unix sockets differ)."""
    if not redis_url.startswith("unix://"):
        return redis_url
    address, _, query = redis_url.removeprefix("unix://").partition("?")
    number = dict(parse_qsl(query)).get("db", "0")
    return f"redis+socket://{address}?virtual_host={number}"
