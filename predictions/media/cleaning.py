"""Take a file apart, and keep of it what a slot takes. Pure."""

from predictions.media import images, sounds
from predictions.media.sniffing import LOOK_AT, WAV, format_of
from predictions.media.terms import CleanMedia, Limits, MediaRefused

TAKEN = {"image": images.TAKEN, "audio": (WAV,)}


def cleaned(data: bytes, limits: Limits) -> CleanMedia:
    """Return the file as it is kept. Raises: MediaRefused with rule, value and words.

    The content alone decides what it is.
    """
    if len(data) > limits.max_bytes:
        words = f"{len(data):,} bytes are more than the {limits.max_bytes:,} allowed"
        raise MediaRefused("bytes", len(data), words)
    if not data:
        raise MediaRefused("empty", 0, "the file is empty")
    found = format_of(data[:LOOK_AT])
    if found not in TAKEN[limits.kind]:
        taken = ", ".join(TAKEN[limits.kind])
        words = f"this is {found}; taken are {taken}"
        raise MediaRefused("media_type", found, words)
    if limits.kind == "audio":
        return sounds.clean_sound(data, limits)
    return images.clean_image(data, found, limits)


def kind_of(data: bytes) -> str:
    """Say whether a file seems to be an image or sound; empty for neither."""
    found = format_of(data[:LOOK_AT])
    return next((kind for kind, known in TAKEN.items() if found in known), "")
