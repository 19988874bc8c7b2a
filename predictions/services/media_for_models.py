"""Stored files as models are asked about them: what is left of the time comes along."""

import time

from predictions.learning.failures import MediaMissing, MediaTimedOut
from predictions.models import MediaFile
from predictions.services import media_storage
from predictions.services.media_storage import MediaUnavailable


def file_in_time(
    media: MediaFile | None, *, deadline: float, at_most: float
) -> tuple[bytes, float]:
    """Return a file's bytes, and how many seconds there are to make something of them.

    `deadline` is a moment of the monotonic clock, for a batch; one file gets `at_most`.
    Raises: MediaMissing, MediaTimedOut.
    """
    if media is None or not media.is_live:
        raise MediaMissing("there is none, or it was removed")
    left = min(at_most, deadline - time.monotonic())
    if left <= 0:
        raise MediaTimedOut("the files before it took all the time there is")
    try:
        return media_storage.read(media.storage_name), left
    except MediaUnavailable as error:
        raise MediaMissing("the storage does not have it") from error
