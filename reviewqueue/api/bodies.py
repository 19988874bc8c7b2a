"""Bodies of requests, read within bounds, of known length or chunked.

DRF passes over a body without `Content-Length`; a stream of items sent in chunks must
not be answered as if it had been empty.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import orjson
from django.conf import settings
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from predictions.intake.readers import (
    ByteStream,
    MalformedPayload,
    PayloadTooLarge,
    gunzip,
    limited,
    read_json,
    read_ndjson,
)

JSON_TYPE = "application/json"
NDJSON_TYPE = "application/x-ndjson"
FORM_TYPE = "multipart/form-data"


class LengthRequired(Exception):
    """The server in front cannot say where a chunked body ends."""

    def __init__(self) -> None:
        super().__init__("Send the body with a Content-Length.")


def read_body(request: Request) -> object:
    """Return the JSON of a request; an empty body is an empty object.

    Raises: PayloadTooLarge, MalformedPayload with the position, UnsupportedMediaType,
    LengthRequired.
    """
    max_bytes: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = limited(_stream(request, max_bytes), max_bytes=max_bytes).read()
    if not body:
        return {}
    _media_type(request, JSON_TYPE)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedPayload(f"json: {error.msg}", error.pos) from error


def read_chunks(request: Request) -> Iterator[list[object]]:
    """Yield the raw items of a body: JSON or NDJSON, plain or gzip.

    Raises: UnsupportedMediaType, LengthRequired at once; PayloadTooLarge,
    MalformedPayload while it is read.
    """
    max_bytes: int = settings.INTAKE_MAX_BODY_BYTES
    media_type = _media_type(request, JSON_TYPE, NDJSON_TYPE)
    stream = _stream(request, max_bytes)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding == "gzip":
        stream = gunzip(limited(stream, max_bytes=max_bytes), max_bytes=max_bytes)
    elif encoding not in {"", "identity"}:
        message = f"The content encoding {encoding[:50]} is not read here: gzip is."
        raise UnsupportedMediaType(encoding, message)
    read = read_ndjson if media_type == NDJSON_TYPE else read_json
    return read(stream, max_bytes=max_bytes)


def is_form(request: Request) -> bool:
    """Say whether the body is a form with files."""
    given = (request.content_type or "").partition(";")[0].strip().lower()
    return given == FORM_TYPE


def read_raw(request: Request, *, max_bytes: int) -> bytes:
    """Return the body as it is. Raises: PayloadTooLarge, LengthRequired."""
    return limited(_stream(request, max_bytes), max_bytes=max_bytes).read()


def spooled(request: Request, *, max_bytes: int) -> "File[bytes]":
    """Return the body as a file on the disk, which ends when it is closed.

    Raises: PayloadTooLarge, LengthRequired.
    """
    body = limited(_stream(request, max_bytes), max_bytes=max_bytes)
    target = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
    shutil.copyfileobj(body, target)
    target.seek(0)
    return File(target, name="body")


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form; large files lie on the disk."""

    fields: Mapping[str, str]
    files: Mapping[str, "UploadedFile[bytes]"]


def read_form(request: Request, *, max_bytes: int = 0) -> Form:
    """Return the parts of a form; of several with one name the last.

    Raises: PayloadTooLarge, LengthRequired; ParseError for what is no form.
    """
    max_bytes = max_bytes or settings.INTAKE_MAX_BODY_BYTES
    if not request.headers.get("content-length"):
        raise LengthRequired
    if declared_length(request) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    files = {name: cast("UploadedFile[bytes]", f) for name, f in request.FILES.items()}
    return Form({name: str(text) for name, text in request.POST.items()}, files)


def declared_length(request: Request) -> int:
    """Return the Content-Length; 0 where there is none."""
    declared = request.headers.get("content-length") or ""
    return int(declared) if declared.isascii() and declared.isdecimal() else 0


def _stream(request: Request, max_bytes: int) -> ByteStream:
    """Return the unread body. Raises: PayloadTooLarge, LengthRequired."""
    if declared_length(request) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    is_chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
    if not is_chunked or request.headers.get("content-length"):
        return cast("ByteStream", request._request)
    if not request.META.get("wsgi.input_terminated"):
        raise LengthRequired
    return cast("ByteStream", request.META["wsgi.input"])


def _media_type(request: Request, *known: str) -> str:
    given = (request.content_type or "").partition(";")[0].strip().lower()
    if given not in known:
        message = f"Send {' or '.join(known)}."
        raise UnsupportedMediaType(given, message)
    return given
