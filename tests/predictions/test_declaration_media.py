"""What a workflow declares of images and sound, and which changes break."""

import pytest

from predictions.declaration import DeclarationError, parse_declaration
from predictions.declaration_changes import declaration_changes
from tests.factories.media import SLOTS
from tests.factories.predictions import DECLARATION

BASE = DECLARATION.format(slug="parts", name="Parts")


def test_slots_have_limits_of_their_kind() -> None:
    image, voice = parse_declaration(BASE + SLOTS).media

    assert (image.label, image.pixels, image.seconds) == ("Part", 40_000, 0)
    assert (voice.label, voice.pixels, voice.seconds) == ("Voice", 0, 2.0)
    assert (voice.max_bytes, voice.required) == (20_000_000, False)
    bare = parse_declaration(BASE + '\n[[media]]\nname = "a"\nkind = "image"\n')
    assert bare.media[0].pixels == 25_000_000
    assert bare.retention.media_days == 0


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[[media]]\nname = "a"\nkind = "video"', "media.a.kind"),
        ('[[media]]\nname = "a b"\nkind = "image"', "media.a b.name"),
        ('[[media]]\nname = "a"\nkind = "image"\nmax_seconds = 3', "media.a"),
        ('[[media]]\nname = "a"\nkind = "audio"\nmax_pixels = 3', "media.a"),
        (
            '[[media]]\nname = "a"\nkind = "image"\nmax_bytes = 200000000',
            "media.a.max_bytes",
        ),
        ('[[media]]\nname = "a"\nkind = "image"\nmax_byte = 2', "media.a.max_byte"),
        ("[retention]\nmedia_days = -1", "retention.media_days"),
        (SLOTS + SLOTS, "declaration"),
        (
            '[[media]]\nname = "a"\nkind = "image"\nmeasure = "no_reader"',
            "media.a",
        ),
        ('[[media]]\nname = "a"\nkind = "audio"\nmeasure = "surface"', "media.a"),
        (
            '[[features]]\nname = "a_peak"\ntype = "number"\n'
            '[[media]]\nname = "a"\nkind = "image"\nmeasure = "surface"',
            "declaration",
        ),
    ],
)
def test_a_slot_that_breaks_a_rule_is_named(text: str, field: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        parse_declaration(f"{BASE}\n{text}\n")

    assert field in {error.field for error in refused.value.errors}


def test_retention_goes_on_where_slots_were_taken_away() -> None:
    declaration = parse_declaration(BASE + "[retention]\nmedia_days = 3\n")

    assert declaration.retention.media_days == 3


def test_changes_of_slots_are_told_and_some_break() -> None:
    before = parse_declaration(BASE + SLOTS)
    sound = parse_declaration(BASE + SLOTS.replace('"image"\nmax', '"image"\n# max'))
    other_kind = SLOTS.replace('kind = "audio"\nmax_seconds = 2.0', 'kind = "image"')
    kind = parse_declaration(BASE + other_kind)
    none = parse_declaration(BASE)

    assert declaration_changes(none, before).breaking is False
    assert declaration_changes(before, none).breaking
    assert declaration_changes(before, kind).breaking
    assert not declaration_changes(before, sound).breaking
    assert declaration_changes(before, sound).changes == [
        "media: image max_bytes changed from 200000 to 20000000"
    ]


MEASURED = BASE + '[[media]]\nname = "a"\nkind = "image"\nmeasure = "surface"\n'


def test_a_measured_slot_brings_features_that_are_not_sent() -> None:
    declaration = parse_declaration(MEASURED)

    assert {one.name for one in declaration.measured} >= {"a_peak", "a_noise"}
    assert not set(declaration.measured) & set(declaration.features)
    assert declaration.feature("a_peak") in declaration.model_features
    sliced = MEASURED + '[[slices]]\nname = "Faint"\nfeature = "a_peak"\nmaximum = 9\n'
    assert parse_declaration(sliced).slices[0].feature == "a_peak"


def test_a_slot_that_is_no_longer_measured_breaks_what_models_mean() -> None:
    measured = parse_declaration(MEASURED)
    bare = parse_declaration(MEASURED.replace('measure = "surface"', ""))

    assert declaration_changes(measured, bare).breaking
    assert not declaration_changes(bare, measured).breaking
