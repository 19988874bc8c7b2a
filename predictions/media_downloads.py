"""Media as answers to HTTP requests, for pages and API alike."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any

import orjson
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)

from predictions.enums import DerivativeName
from predictions.models import MediaDerivative, MediaFile
from predictions.services.media_storage import MediaUnavailable, opened

BLOCK = 64 * 1024
AT_ONCE = 1024 * 1024  # bytes; what is larger is streamed
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "audio/wav": "wav",
    "application/json": "json",
}
HEADERS = {
    # Asked again each time: a role or a file that is gone is gone at once.
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    # Nothing runs in it; the styles are those of a browser that shows it by itself.
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; "
        "style-src 'unsafe-inline'; sandbox"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
}


class MediaRemoved(Exception):
    """The file was removed; the words say when and why."""

    def __init__(self, media: MediaFile) -> None:
        at = media.removed_at
        when = f"{at:%Y-%m-%d %H:%M} UTC" if at else "an unknown moment"
        super().__init__(f"It was removed on {when}: {media.removed_why}")


def media_response(
    request: HttpRequest, media: MediaFile, name: str = ""
) -> HttpResponseBase:
    """Answer with a file, or with what was made of it; with a part where one is asked.

    Raises: MediaRemoved; Http404 for what was not made; MediaUnavailable.
    """
    if not media.is_live:
        raise MediaRemoved(media)
    if not name:
        return _answer(
            request,
            media.storage_name,
            n_bytes=media.n_bytes,
            content_type=media.content_type,
            etag=media.sha256,
            file_name=str(media.pk),
            media=media,
        )
    derivative = _derivative(media, name)
    etag = f"{media.sha256}-{name}-{derivative.attempt}"
    if derivative.peaks is not None:
        return _peaks(derivative, etag)
    return _answer(
        request,
        derivative.storage_name,
        n_bytes=derivative.n_bytes,
        content_type=derivative.content_type,
        etag=etag,
        file_name=f"{media.pk}-{name}",
        media=media,
    )


def _derivative(media: MediaFile, name: str) -> MediaDerivative:
    if name not in DerivativeName.values:
        raise Http404
    found = media.derivatives.filter(name=name).first()  # one of each
    if found is None:
        raise Http404
    found.media = media
    return found


def _peaks(derivative: MediaDerivative, etag: str) -> HttpResponse:
    body = orjson.dumps({"peaks": derivative.peaks})
    response = HttpResponse(body, content_type=derivative.content_type)
    return _with_headers(response, etag)


def _answer(
    request: HttpRequest,
    storage_name: str,
    *,
    n_bytes: int,
    content_type: str,
    etag: str,
    file_name: str,
    media: MediaFile,
) -> HttpResponseBase:
    quoted = f'"{etag}"'
    response: HttpResponseBase
    if _is_known(request, quoted):
        return _with_headers(HttpResponse(status=304), etag)
    part = _part(request, quoted, n_bytes)
    if part is None:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{n_bytes}"
        return _with_headers(response, etag)
    begin, end = part
    wanted = _Part(_opened(storage_name, media), begin, end)
    if end - begin <= AT_ONCE:
        with closing(wanted):
            response = HttpResponse(b"".join(wanted), content_type=content_type)
    else:
        response = StreamingHttpResponse(wanted, content_type=content_type)
    if end - begin < n_bytes:
        response.status_code = 206
        response["Content-Range"] = f"bytes {begin}-{end - 1}/{n_bytes}"
    response["Content-Length"] = str(end - begin)
    ending = _ENDINGS.get(content_type, "bin")
    response["Content-Disposition"] = f'inline; filename="{file_name}.{ending}"'
    return _with_headers(response, etag)


def _opened(storage_name: str, media: MediaFile) -> IO[Any]:
    """Open a file; where it is not there, it may have been removed at this moment."""
    try:
        return opened(storage_name)
    except MediaUnavailable:
        media.refresh_from_db()
        if media.is_live:
            raise
        raise MediaRemoved(media) from None


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an open file, read in blocks; closed also where nobody reads it."""

    source: IO[Any]
    begin: int
    end: int

    def __iter__(self) -> Iterator[bytes]:
        self.source.seek(self.begin)
        left = self.end - self.begin
        while left and (block := self.source.read(min(BLOCK, left))):
            left -= len(block)
            yield block

    def close(self) -> None:
        self.source.close()


def _is_known(request: HttpRequest, quoted: str) -> bool:
    asked = request.headers.get("If-None-Match", "")
    known = {one.strip().removeprefix("W/") for one in asked.split(",")}
    return quoted in known or asked.strip() == "*"


def _part(request: HttpRequest, quoted: str, n_bytes: int) -> tuple[int, int] | None:
    """Return which bytes are asked for, the end not among them; None for none there.

    Several parts, or a kind of part that is not read here, are answered with all.
    """
    asked = request.headers.get("Range", "").strip()
    only_if = request.headers.get("If-Range")
    if only_if is not None and only_if.strip() != quoted:
        return 0, n_bytes
    found = _RANGE.fullmatch(asked)
    if found is None or found.groups() == ("", ""):
        return 0, n_bytes
    first, last = found.groups()
    if not first:
        begin, end = max(n_bytes - int(last), 0), n_bytes
    else:
        begin = int(first)
        end = min(int(last) + 1, n_bytes) if last else n_bytes
        if last and int(last) < begin:
            return 0, n_bytes
    return (begin, end) if begin < end else None


def _with_headers[R: HttpResponseBase](response: R, etag: str) -> R:
    response["ETag"] = f'"{etag}"'
    response["Accept-Ranges"] = "bytes"
    for name, value in HEADERS.items():
        response[name] = value
    return response
