"""An entry is spoken into a fake microphone, and confirmed at the keyboard."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.enums import Role
from accounts.models import User
from predictions.media.sounds import levels, read_wav
from predictions.models import Item, ItemMedia, Workflow
from predictions.services import media_storage
from reviewqueue.models import Decision
from reviewqueue.services.pipeline import process_batch
from tests.browser import ARGUMENTS, chromium_path, violations
from tests.e2e.conftest import OpenPage
from tests.factories.accounts import member
from tests.factories.speech import (
    make_speech_champion,
    make_speech_workflow,
    said,
    store_recording,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SPEAK, DESK = "/w/spoken-entry/speak/", "/w/spoken-entry/review/"
SHORT = ("batch", "four", "torque", "one", "two", "five")
TIMES = "() => document.querySelector('audio').currentTime"
SOME_TIME, MORE_TIME = re.compile(r"^[1-9]\d* s$"), re.compile(r"^([3-9]|\d\d) s$")
# The microphone answers when the test says so, and every stream of it is known.
SLOW_MICROPHONE = """() => {
  window.streams = [];
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  const allowed = new Promise((go) => { window.allow = go; });
  devices.getUserMedia = async (what) => {
    await allowed;
    const one = await real(what);
    window.streams.push(one);
    return one;
  };
}"""
# As in Firefox: a microphone is heard at the rate of the device alone, or not at all.
RATES = """(refuses) => {
  window.AudioContext = class extends AudioContext {
    createMediaStreamSource(stream) {
      const refused = refuses === "all" || this.sampleRate === 16000;
      if (refused) throw new DOMException("rates differ", "NotSupportedError");
      return super.createMediaStreamSource(stream);
    }
  };
}"""
LIVE = "() => window.streams.map((one) => one.active)"
FILES = "() => document.querySelector('[data-recorder] input').files.length"
HEAD = """async () => {
  const [file] = document.querySelector("[data-recorder] input").files;
  const view = new DataView(await file.arrayBuffer());
  return [file.size, view.getUint32(24, true), view.getUint32(40, true)];
}"""


@pytest.fixture
def workflow(db: None, now: datetime) -> Workflow:
    changes = {"blind_share = 0.02": "blind_share = 0.0"}
    return make_speech_workflow(now=now, changes=changes)


@pytest.fixture
def engineer(workflow: Workflow, now: datetime) -> User:
    person = member(workflow.scope, Role.ENGINEER, username="engineer")
    make_speech_champion(workflow, by=person, now=now)
    return person


@pytest.fixture
def chromium(chromium: Browser, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose microphone plays an entry, over and over."""
    file = tmp_path / "spoken.wav"
    file.write_bytes(said(seed=2))
    browser = chromium.browser_type.launch(
        executable_path=chromium_path(),
        args=[
            *ARGUMENTS,
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={file}",
            "--autoplay-policy=no-user-gesture-required",
        ],
    )
    yield browser
    browser.close()


def test_a_worker_speaks_and_sees_what_was_heard(
    open_page: OpenPage, engineer: User
) -> None:
    page = open_page(engineer, SPEAK)
    assert violations(page) == []
    page.keyboard.press("p")
    recorder = page.locator("[data-recorder]")
    expect(recorder).to_have_attribute("data-recording", "")
    expect(page.locator("[data-recorder-say]")).to_have_text("5 s", timeout=20_000)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Hear it")).to_be_visible()
    page.get_by_label("Worker").fill("Ada")
    page.keyboard.press("Escape")
    page.keyboard.press("c")

    expect(page.get_by_role("heading", name="What was heard")).to_be_visible()
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert violations(page) == []
    kept = ItemMedia.objects.get(item=Item.objects.get()).media
    encoding, samples = read_wav(media_storage.read(kept.storage_name))
    assert (encoding.channels, encoding.sample_rate) == (1, 16_000)
    assert 4.5 < (kept.seconds or 0) < 12
    assert abs(levels(encoding, samples)).max() > 0.05
    assert re.search(r"“[a-z ]+” heard from", page.locator("#main").inner_text())


def test_nothing_is_sent_while_one_microphone_records(
    open_page: OpenPage, engineer: User
) -> None:
    page = open_page(engineer, SPEAK)
    page.evaluate(SLOW_MICROPHONE)
    recorder = page.locator("[data-recorder]")
    say = page.locator("[data-recorder-say]")
    page.get_by_label("Worker").fill("Ada")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(say).to_have_text("Waiting for the microphone.")
    page.keyboard.press("p")
    page.evaluate("() => window.allow()")
    expect(say).to_have_text(SOME_TIME, timeout=20_000)
    page.keyboard.press("p")
    expect(say).to_contain_text("s recorded.")
    assert page.evaluate(LIVE) == [False]
    assert page.evaluate(FILES) == 1

    page.keyboard.press("p")
    expect(recorder).to_have_attribute("data-recording", "")
    page.keyboard.press("c")
    assert page.evaluate(FILES) == 0
    assert page.evaluate(
        "() => document.querySelector('[data-recorder] input').validationMessage"
    ) == ("Stop recording first, then send it.")
    expect(say).to_have_text(MORE_TIME, timeout=20_000)
    assert not Item.objects.exists()
    page.keyboard.press("p")
    expect(say).to_contain_text("s recorded.")
    assert page.evaluate(LIVE) == [False, False]
    page.keyboard.press("c")

    expect(page.get_by_role("heading", name="What was heard")).to_be_visible()
    assert (ItemMedia.objects.get().media.seconds or 0) > 2.4


def test_a_chosen_file_takes_the_place_of_what_is_recorded(
    open_page: OpenPage, engineer: User, tmp_path: Path
) -> None:
    file = tmp_path / "entry.wav"
    file.write_bytes(said())
    page = open_page(engineer, SPEAK)
    page.evaluate(SLOW_MICROPHONE)
    page.keyboard.press("p")
    page.get_by_label("Recording", exact=True).set_input_files(file)
    page.evaluate("() => window.allow()")
    page.wait_for_function("() => window.streams.length && !window.streams[0].active")
    page.keyboard.press("p")
    expect(page.locator("[data-recorder-say]")).to_have_text(SOME_TIME, timeout=20_000)
    page.get_by_label("Recording", exact=True).set_input_files(file)

    assert page.evaluate(LIVE) == [False, False]
    assert page.evaluate(HEAD)[0] == len(said())
    assert page.evaluate(
        "() => document.querySelector('[data-recorder] input').validity.valid"
    )


def test_a_browser_records_at_its_own_rate_and_no_longer_than_is_taken(
    open_page: OpenPage, engineer: User
) -> None:
    page = open_page(engineer, SPEAK)
    page.evaluate(SLOW_MICROPHONE)
    page.evaluate("() => window.allow()")
    # No whole number of blocks at any rate.
    page.locator("[data-recorder]").evaluate(
        "one => { one.dataset.recorderSeconds = '1.501'; }"
    )
    page.evaluate(RATES, "16000")
    say = page.locator("[data-recorder-say]")
    page.keyboard.press("p")
    expect(say).to_have_text(
        "1.5 s recorded. Hear it again, or send it.", timeout=20_000
    )
    size, rate, n_bytes = page.evaluate(HEAD)
    assert rate in {44_100, 48_000}
    assert (size, n_bytes) == (44 + n_bytes, 2 * (1501 * rate // 1000))

    page.evaluate(RATES, "all")
    page.keyboard.press("p")
    expect(say).to_have_text(
        "This browser cannot record from the microphone. Choose a file instead."
    )
    assert page.evaluate(LIVE) == [False, False]
    assert page.evaluate(FILES) == 1


def playing(page: Page) -> None:
    page.wait_for_function("() => !document.querySelector('audio').paused")


def test_a_reviewer_hears_the_piece_of_a_field_and_corrects_it_by_key(
    open_page: OpenPage,
    workflow: Workflow,
    engineer: User,
    alice: User,
    now: datetime,
) -> None:
    store_recording(workflow, said(SHORT), external_id="short", by=engineer, now=now)
    process_batch(workflow=workflow, limit=1, now=now)
    page = open_page(alice, DESK)
    assert violations(page) == []
    expect(page.get_by_text("2 digits expected, 1 heard")).to_be_visible()

    page.keyboard.press("l")
    playing(page)
    heard = page.locator("[data-field][data-heard]")
    expect(heard).to_have_count(1)
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    start = heard.evaluate("one => JSON.parse(one.dataset.evidence).start_ms") / 1000
    end = heard.evaluate("one => JSON.parse(one.dataset.evidence).end_ms") / 1000
    page.wait_for_function("() => document.querySelector('audio').paused")
    assert start < page.evaluate(TIMES) < end + 0.5

    page.keyboard.press("p")
    playing(page)
    page.keyboard.press("p")
    page.get_by_role("textbox", name="Batch").fill("47")
    page.keyboard.press("Escape")
    page.keyboard.press("c")

    expect(page.get_by_text("Undo")).to_be_visible()
    decision = Decision.objects.get()
    assert decision.corrected == ["batch"]
    assert decision.fields == {"batch": "47", "torque": 12.5}


def test_an_entry_is_sent_without_scripts(
    open_page: OpenPage, engineer: User, tmp_path: Path
) -> None:
    file = tmp_path / "entry.wav"
    file.write_bytes(said())
    page = open_page(engineer, SPEAK, java_script_enabled=False)
    expect(page.locator("[data-recorder-start]")).to_be_hidden()
    page.get_by_label("Recording", exact=True).set_input_files(file)
    page.get_by_label("Worker").fill("Ada")
    page.get_by_role("button", name="Send it").click()

    expect(page.get_by_text("12.5 N m")).to_be_visible()
