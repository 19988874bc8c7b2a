"""An item's images and sound as a page shows them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.urls import reverse

from predictions.enums import DerivativeName
from predictions.learning.speech.terms import PROBLEMS
from predictions.models import Item, ItemMedia, MediaDerivative, MediaFile, Workflow
from predictions.queries.media import media_of
from reviewqueue.anomaly_maps import Found, found_in

WAVE_WIDTH, WAVE_HEIGHT = 400, 48


@dataclass(frozen=True, slots=True)
class GoodExample:
    """An image of an item that is known to be good, to look at beside another."""

    address: str
    alt: str
    external_id: str
    item_id: UUID
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class MediaFigure:
    """One file: what it is, where it is, and what says the same in words.

    `preview` and `thumbnail` are None until a worker has made them: the file itself
    stands in. `wave` is the outline of a sound, as the path of an SVG.
    """

    slot: str
    title: str
    media: MediaFile
    alt: str
    facts: str
    full: str
    preview: MediaDerivative | None
    thumbnail: MediaDerivative | None
    preview_address: str
    thumbnail_address: str
    wave: str
    found: Found | None = None
    good: GoodExample | None = None
    problem: str = ""

    @property
    def shown_width(self) -> int | None:
        return self.preview.width if self.preview else self.media.width

    @property
    def shown_height(self) -> int | None:
        return self.preview.height if self.preview else self.media.height


def media_figures(
    item: Item,
    workflow: Workflow,
    *,
    evidence: Mapping[str, Any] | None = None,
    good: Mapping[str, ItemMedia] | None = None,
) -> list[MediaFigure]:
    """Return what an item's page and the desk show of its files, in order of slots.

    `evidence` by slot of what was measured in them, and `good` examples by slot, as far
    as whoever looks may see them.
    """
    found = found_in(evidence or {})
    examples = good or {}
    return [
        replace(
            _figure(one, item, workflow),
            found=found.get(one.slot),
            good=_example(examples.get(one.slot), workflow),
            problem=problem_words((evidence or {}).get(one.slot, {})),
        )
        for one in media_of(workflow, [item.pk])[item.pk]
    ]


def problem_words(evidence: Mapping[str, Any]) -> str:
    """Say what is wrong with a recording that was measured; empty where nothing is."""
    return PROBLEMS.get(evidence.get("problem") or "", "")


def _example(one: ItemMedia | None, workflow: Workflow) -> GoodExample | None:
    if one is None:
        return None
    name = one.item.external_id
    return GoodExample(
        address=reverse("predictions:media", args=[workflow.slug, one.media_id]),
        alt=f"{name}, labelled good",
        external_id=name,
        item_id=one.item_id,
        width=one.media.width,
        height=one.media.height,
    )


def thumbnails(item_ids: Collection[UUID], workflow: Workflow) -> dict[UUID, str]:
    """Return by item the address of its first image's thumbnail, where there is one."""
    found: dict[UUID, str] = {}
    for item_id, rows in media_of(workflow, item_ids).items():
        made = (one.media for one in rows if _has_thumbnail(one.media))
        if media := next(made, None):
            name = DerivativeName.THUMBNAIL.value
            found[item_id] = reverse(
                "predictions:media-derivative", args=[workflow.slug, media.pk, name]
            )
    return found


def _has_thumbnail(media: MediaFile) -> bool:
    names = {one.name for one in media.derivatives.all()}  # fetched beforehand
    return media.is_live and DerivativeName.THUMBNAIL in names


def _figure(one: ItemMedia, item: Item, workflow: Workflow) -> MediaFigure:
    media = one.media
    made = {derivative.name: derivative for derivative in media.derivatives.all()}
    declared = workflow.declaration.media_slot(one.slot)
    title = declared.label if declared else one.slot
    full = reverse("predictions:media", args=[workflow.slug, media.pk])
    wave = made.get(DerivativeName.WAVEFORM)
    return MediaFigure(
        slot=one.slot,
        title=title,
        media=media,
        alt=f"{title} of {item.external_id}",
        facts=_facts(media),
        full=full,
        preview=made.get(DerivativeName.PREVIEW),
        thumbnail=made.get(DerivativeName.THUMBNAIL),
        preview_address=_address(full, made, DerivativeName.PREVIEW),
        thumbnail_address=_address(full, made, DerivativeName.THUMBNAIL),
        wave=wave_path(wave.peaks or []) if wave else "",
    )


def _address(full: str, made: dict[str, MediaDerivative], name: DerivativeName) -> str:
    return f"{full}{name.value}/" if name in made else full


def _facts(media: MediaFile) -> str:
    kind = media.content_type.partition("/")[2].upper()
    size = f"{media.n_bytes / 1e6:.1f} MB"
    if media.n_bytes < 100_000:
        size = f"{media.n_bytes / 1e3:.1f} kB"
    if media.is_image:
        return f"{kind}, {media.width:,} by {media.height:,} pixels, {size}"
    channels = "stereo" if media.channels == 2 else "mono"
    rate = (media.sample_rate or 0) / 1000
    return f"{kind}, {media.seconds:.1f} s, {rate:g} kHz, {channels}, {size}"


def wave_path(peaks: Sequence[float]) -> str:
    """Return the outline of peaks (0..1) around the middle, as an SVG path."""
    step = WAVE_WIDTH / max(len(peaks), 1)
    middle = WAVE_HEIGHT / 2
    # A silence is a line, not nothing.
    heights = [max(peak * middle, 0.5) for peak in peaks]
    upper = [f"{i * step:.1f} {middle - h:.1f}" for i, h in enumerate(heights)]
    lower = [f"{i * step:.1f} {middle + h:.1f}" for i, h in enumerate(heights)]
    return "M" + "L".join([*upper, *reversed(lower)]) + "Z" if peaks else ""
