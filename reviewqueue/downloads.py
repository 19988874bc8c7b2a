"""Snapshots as answers to HTTP requests, for pages and API alike."""

from django.http import StreamingHttpResponse

from reviewqueue.models import Snapshot
from reviewqueue.services.snapshots import stream_snapshot

CONTENT_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}


def download(snapshot: Snapshot, file_format: str) -> StreamingHttpResponse:
    """Stream a ready snapshot; `file_format` is one of `CONTENT_TYPES`."""
    name = f"{snapshot.workflow.slug}-{snapshot.pk}.{file_format}"
    response = StreamingHttpResponse(
        stream_snapshot(snapshot, file_format),
        content_type=CONTENT_TYPES[file_format],
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["ETag"] = f'"{snapshot.sha256}-{file_format}"'
    return response
