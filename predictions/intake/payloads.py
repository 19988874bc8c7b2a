"""Keep any payload, however broken, as JSON that PostgreSQL can hold. Pure."""

import json
import math

import orjson

from predictions.intake.values import shown, storable_text

MAX_DEPTH = 100
MAX_TEXT = 1_000_000
MAX_INTEGER_BITS = 10_000
_NUL = b"\\u0000"


def storable_json(value: object) -> str:
    """Write any value as JSON; what JSON or PostgreSQL cannot hold, as text about it.

    Never raises for what the value holds.
    """
    try:
        written = orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        written = b""
    if written and _NUL not in written:
        return written.decode()
    return json.dumps(_plain(value, MAX_DEPTH), ensure_ascii=False)


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return storable_text(value[:MAX_TEXT])
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        return shown(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict | list | tuple) and not depth:
        return "… (nested deeper)"
    if isinstance(value, dict):
        return {_name(key): _plain(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, depth - 1) for one in value]
    return _other(value)


def _name(key: object) -> str:
    return storable_text(key) if isinstance(key, str) else str(shown(key))


def _other(value: object) -> object:
    try:
        written: object = orjson.loads(orjson.dumps(value))
    except (orjson.JSONEncodeError, RecursionError):
        return shown(value)
    return written
