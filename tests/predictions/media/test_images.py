"""Images: what is taken, what is taken out of them, and what stays as it was."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from predictions.media.cleaning import cleaned
from predictions.media.images import ORIENTATION, smaller_images
from predictions.media.sniffing import format_of
from predictions.media.terms import CleanMedia, Limits, MediaRefused
from tests.factories.media import SECRET, image_file, picture

# Of broken metadata, which goes anyway.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
LIMITS = Limits("image", 10_000_000, 1_000_000)
KINDS = ("PNG", "JPEG", "WEBP", "TIFF")


def clean(data: bytes, limits: Limits = LIMITS) -> CleanMedia:
    return cleaned(data, limits)


def pixels(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_goes_and_pixels_stay(kind: str) -> None:
    data = image_file(kind) + b"behind the end: " + SECRET

    kept = clean(data)

    assert SECRET in data
    assert SECRET not in kept.data
    assert b"Camera" not in kept.data
    assert np.array_equal(pixels(kept.data), pixels(data))
    assert (kept.width, kept.height) == (32, 20)
    with Image.open(io.BytesIO(kept.data)) as image:
        assert dict(image.getexif()) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cleaned_is_clean(kind: str) -> None:
    kept = clean(image_file(kind))

    assert clean(kept.data) == kept


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_image_that_lies_on_its_side_is_turned(kind: str, orientation: int) -> None:
    upright = picture(width=32, height=20)
    kept = clean(image_file(kind, orientation=orientation))

    is_turned = orientation >= 5
    assert (kept.width, kept.height) == ((20, 32) if is_turned else (32, 20))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    with Image.open(io.BytesIO(kept.data)) as image:
        found = np.asarray(image.convert("RGB").transpose(back)).astype(int)
    assert np.abs(found - np.asarray(upright).astype(int)).mean() < 8
    assert SECRET not in kept.data


def test_a_jpeg_keeps_its_scans_its_profile_and_nothing_else() -> None:
    from_camera = image_file(
        "JPEG", progressive=True, icc_profile=b"profile" * 20, comment=SECRET
    )

    kept = clean(from_camera)

    with Image.open(io.BytesIO(kept.data)) as image:
        assert image.info["progressive"]
        assert image.info["icc_profile"] == b"profile" * 20
        assert "comment" not in image.info
    assert np.array_equal(pixels(kept.data), pixels(from_camera))


def test_a_jpeg_hides_nothing_in_a_segment_of_another_name() -> None:
    data = bytearray(image_file("JPEG"))
    place = data.index(b"\xff\xe1") + 1
    kept = {}
    for marker in range(1, 255):
        data[place] = marker
        with suppress(MediaRefused):
            kept[marker] = clean(bytes(data)).data

    assert len(kept) >= 16
    assert [marker for marker, one in kept.items() if SECRET in one] == []


def test_a_png_keeps_what_colours_need_and_no_text() -> None:
    chunk = b"tEXtAuthor\0Ada"
    text = struct.pack(">I", len(chunk) - 4) + chunk
    text += struct.pack(">I", zlib.crc32(chunk))
    data = image_file(icc_profile=b"p" * 9)
    at = data.index(b"IDAT") - 4

    kept = clean(data[:at] + text + data[at:])

    assert b"Ada" not in kept.data
    assert b"iCCP" in kept.data


def test_a_tiff_is_kept_as_png_with_all_its_depth() -> None:
    deep = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    target = io.BytesIO()
    Image.fromarray(deep).save(target, "TIFF")

    kept = clean(target.getvalue())

    assert kept.content_type == "image/png"
    with Image.open(io.BytesIO(kept.data)) as image:
        assert np.array_equal(np.asarray(image), deep)
    thumbnail = {one.name: one for one in smaller_images(kept.data)}["thumbnail"]
    light = pixels(thumbnail.data)[..., 0]
    assert light.min() < 20
    assert light.max() > 235


def animation(kind: str) -> bytes:
    target = io.BytesIO()
    frames = [picture(seed) for seed in (1, 2)]
    frames[0].save(target, kind, save_all=True, append_images=frames[1:])
    return target.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_several_pictures_are_refused(kind: str) -> None:
    data = animation(kind)
    with Image.open(io.BytesIO(data)) as image:
        assert len(list(ImageSequence.Iterator(image))) == 2

    with pytest.raises(MediaRefused) as refused:
        clean(data)

    assert refused.value.rule == "frames"


@pytest.mark.parametrize("orientation", [1, 6])
def test_of_a_camera_s_jpeg_with_a_preview_behind_it_the_picture_is_kept(
    orientation: int,
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = SECRET.decode(), orientation
    behind = Image.new("L", (16, 10), 200)
    behind.encoderinfo = {"comment": SECRET}
    target = io.BytesIO()
    picture(width=32, height=20).save(
        target, "MPO", exif=exif, save_all=True, append_images=[behind]
    )
    with Image.open(io.BytesIO(target.getvalue())) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("MPO", 2)

    kept = clean(target.getvalue())

    assert (kept.width, kept.height) == ((32, 20) if orientation == 1 else (20, 32))
    assert kept.content_type == "image/jpeg"
    assert (SECRET in kept.data, b"MPF" in kept.data) == (False, False)
    assert kept.data.count(b"\xff\xd8\xff") == 1
    with Image.open(io.BytesIO(kept.data)) as image:
        assert (image.format, dict(image.getexif())) == ("JPEG", {})
    assert clean(kept.data) == kept


def test_a_bomb_is_refused_by_what_its_header_says() -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    body = zlib.compress(bytes(1000))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one))
        for one in (chunk, b"IDAT" + body, b"IEND")
    )

    with pytest.raises(MediaRefused) as refused:
        clean(data)

    assert (refused.value.rule, refused.value.value) == ("pixels", 3_600_000_000)
    assert refused.value.words == (
        "60,000 by 60,000 are 3,600,000,000 pixels, more than the 1,000,000 allowed"
    )


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_of_a_thousand_scans_is_refused_before_any_is_decoded(
    orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty bytes a scan, and each takes a pass over the whole picture."""
    target, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION] = orientation
    picture(1).save(target, "JPEG", progressive=True, exif=exif)
    data = target.getvalue()
    scan, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    assert clean(data[:end] + data[scan:end] * 10 + data[end:]).content_type
    bomb = data[:end] + data[scan:end] * 1000 + data[end:]
    monkeypatch.setattr(JpegImageFile, "load", None)

    with pytest.raises(MediaRefused, match="more than 100 scans") as refused:
        clean(bomb)

    assert refused.value.rule == "unreadable"


def test_of_a_tiff_of_many_pictures_no_more_than_two_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To count them takes a time that grows with their square."""
    target = io.BytesIO()
    first, *others = [picture(seed) for seed in range(50)]
    first.save(target, "TIFF", save_all=True, append_images=others)
    looked_at: list[int] = []
    seek = TiffImageFile._seek

    def counted(self: TiffImageFile, frame: int) -> None:
        looked_at.append(frame)
        seek(self, frame)

    monkeypatch.setattr(TiffImageFile, "_seek", counted)
    with pytest.raises(MediaRefused, match="several pictures"):
        clean(target.getvalue())

    assert len(looked_at) <= 2


@pytest.mark.parametrize("kind", KINDS)
@given(share=st.floats(0.01, 0.97))
def test_what_is_cut_off_is_refused_or_whole(kind: str, share: float) -> None:
    data = image_file(kind, width=64, height=48)
    cut = data[: int(len(data) * share)]

    try:
        kept = clean(cut)
    except MediaRefused:
        return
    # A TIFF's picture may end before its file does.
    assert kind == "TIFF"
    assert np.array_equal(pixels(kept.data), pixels(data))


@pytest.mark.parametrize("kind", KINDS)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20))
def test_whatever_is_broken_is_refused_or_clean(
    kind: str, places: list[tuple[float, int]]
) -> None:
    data = bytearray(image_file(kind))
    for share, value in places:
        data[int(share * (len(data) - 1))] = value

    try:
        kept = clean(bytes(data))
    except MediaRefused:
        return
    assert SECRET not in kept.data
    assert clean(kept.data).data == kept.data


def _svg() -> bytes:
    return b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg xmlns='x'/>"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (_svg, "SVG"),
        (lambda: "<svg/>".encode("utf-16"), "SVG"),
        (lambda: b"  <!doctype html><svg></svg>", "SVG"),
        (lambda: b"<HTML><body>", "HTML"),
        (lambda: b"<?xml version='1.0'?><a/>", "XML"),
        (lambda: b"GIF89a", "GIF"),
        (lambda: b"%PDF-1.7", "PDF"),
        (lambda: b"\x00\x00\x00\x1cftypheic", "HEIC"),
        (lambda: b"\x00\x00\x00\x1cftypavif", "AVIF"),
        (lambda: b"PK\x03\x04", "ZIP"),
        (lambda: b"plain words", "something else"),
    ],
)
def test_what_a_file_is_comes_from_its_content(
    make: Callable[[], bytes], name: str
) -> None:
    assert format_of(make()) == name
    with pytest.raises(MediaRefused) as refused:
        clean(make())
    assert (refused.value.rule, refused.value.value) == ("media_type", name)


def test_a_page_in_the_guise_of_an_image_is_no_image() -> None:
    polyglot = b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"
    with pytest.raises(MediaRefused) as refused:
        clean(polyglot)
    assert refused.value.rule == "unreadable"

    hidden = image_file("JPEG") + b"<script>alert(1)</script>"
    assert b"<script>" not in clean(hidden).data


@pytest.mark.parametrize(
    ("size", "preview", "thumbnail"),
    [
        ((4000, 1000), (1600, 400), (256, 64)),
        ((1000, 4000), (400, 1600), (64, 256)),
        ((30, 20), (30, 20), (30, 20)),
    ],
)
def test_smaller_ones_keep_their_shape_and_never_grow(
    size: tuple[int, int], preview: tuple[int, int], thumbnail: tuple[int, int]
) -> None:
    data = image_file(width=size[0], height=size[1])

    made = {one.name: (one.width, one.height) for one in smaller_images(data)}

    assert made == {"preview": preview, "thumbnail": thumbnail}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_has_its_smaller_ones(mode: str) -> None:
    target = io.BytesIO()
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture().convert(mode).save(target, kind)

    kept = clean(target.getvalue())

    for one in smaller_images(kept.data):
        with Image.open(io.BytesIO(one.data)) as image:
            shows_through = mode in {"LA", "RGBA"}
            assert image.format == ("WEBP" if shows_through else "JPEG")
            assert one.content_type == f"image/{image.format.lower()}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_smaller_ones_have_the_colours_of_the_whole(kind: str) -> None:
    profile = b"profile" * 20
    data = image_file(kind, width=900, height=600, icc_profile=profile)
    whole = Image.open(io.BytesIO(data)).convert("RGB")

    for one in smaller_images(clean(data).data):
        with Image.open(io.BytesIO(one.data)) as image:
            assert image.info["icc_profile"] == profile
            expected = np.asarray(whole.resize(image.size), dtype=int)
            assert np.abs(np.asarray(image, dtype=int) - expected).mean() < 4


def test_a_large_jpeg_has_a_preview_of_the_usual_size() -> None:
    data = image_file("JPEG", width=3300, height=2200)

    made = {one.name: (one.width, one.height) for one in smaller_images(data)}

    assert made == {"preview": (1600, 1067), "thumbnail": (256, 171)}
