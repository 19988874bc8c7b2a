"""What a POST reaches, what it never reaches, and what ends it."""

import socket
import time
from typing import Any

import pytest

from predictions.outbound import AddressRefused, post, read_url, resolve
from tests.reviewqueue.services.receivers import INSIDER, receiver


def send(url: str, *, seconds: float = 5.0) -> Any:  # noqa: ANN401 -- shown by tests
    return post(url, b"{}", {"a": "b"}, timeout_seconds=seconds, allow_private=True)


def rule_of(url: str, *, allow_private: bool = False) -> str:
    with pytest.raises(AddressRefused) as refused:
        resolve(read_url(url, allow_private=allow_private), allow_private=allow_private)
    return str(refused.value.errors[0].rule)


def stands_for(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have names of `.example` stand for these addresses."""
    real = socket.getaddrinfo

    def found(host: str, port: int, *args: Any, **more: Any) -> list[Any]:  # noqa: ANN401 -- its model's
        names = addresses if host.endswith(".example") else (host,)
        return [entry for name in names for entry in real(name, port, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://example.org/", "scheme"),
        ("ftp://example.org/", "scheme"),
        ("example.org/hook", "scheme"),
        ("https://", "host"),
        ("https://:443/", "host"),
        ("https://example.org:99999/", "port"),
        ("https://[::1/", "port"),
        ("https://me:word@example.org/", "credentials"),
        ("https://example.org@169.254.169.254/", "credentials"),
        ("https://example.org/#part", "fragment"),
        ("https://exämple.org/", "characters"),
        ("https://example.org/a b", "characters"),
        ("https://example.org/\r\nx: y", "characters"),
        ("https://example.org/" + "a" * 500, "too_long"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
        (f"https://{INSIDER}/", "private"),
        ("https://192.0.2.1/", "private"),
        ("https://0.0.0.0/", "link_local"),
        ("https://169.254.169.254/latest/", "link_local"),
        ("https://[fe80::1]/", "link_local"),
        ("https://[::ffff:169.254.169.254]/", "link_local"),
        ("https://[64:ff9b::a9fe:a9fe]/", "link_local"),
        ("https://[2002:a9fe:a9fe::]/", "link_local"),
        ("https://[fd00:ec2::254]/", "link_local"),
        ("https://100.100.100.200/", "link_local"),
        ("https://224.0.0.1/", "link_local"),
    ],
)
def test_address_that_is_refused_says_by_which_rule(url: str, rule: str) -> None:
    assert rule_of(url) == rule


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://8.8.8.8/", "plain_http"),
        ("http://169.254.169.254/", "link_local"),
        ("https://[fe80::1]/", "link_local"),
        ("https://[fd00:ec2::254]/", "link_local"),
        ("https://240.0.0.1/", "private"),
    ],
)
def test_metadata_stays_closed_where_private_addresses_are_open(
    url: str, rule: str
) -> None:
    assert rule_of(url, allow_private=True) == rule


@pytest.mark.parametrize(
    ("url", "allow_private"),
    [
        ("https://8.8.8.8/hook", False),
        ("https://[2606:4700::1111]:8443/", False),
        ("http://127.0.0.1:8000/", True),
        (f"https://{INSIDER}/", True),
        ("http://[fd12:3456::1]/", True),
    ],
)
def test_address_that_is_fine(url: str, allow_private: bool) -> None:
    assert read_url(url, allow_private=allow_private).host


# The rest of the IPv6 space, as addresses in it are written: some stand for IPv4 ones.
RESERVED = [
    "::7f00:1",
    "::a9fe:a9fe",
    "::808:808",
    f"::ffff:0:{int(INSIDER) >> 16:x}:{int(INSIDER) & 0xFFFF:x}",
    "::ffff:0:7f00:1",
    "::ffff:0:808:808",
    "64:ff9b:1::7f00:1",
    "100::1",
    "100:0:0:1::1",
    "200::1",
    "1000::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "e000::1",
    "fec0::1",
    "feff::1",
]


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", RESERVED)
def test_only_global_unicast_of_ipv6_is_written_to(
    monkeypatch: pytest.MonkeyPatch, address: str, allow_private: bool
) -> None:
    assert rule_of(f"https://[{address}]/", allow_private=allow_private) == "private"
    stands_for(monkeypatch, address)
    assert rule_of("https://hook.example/", allow_private=allow_private) == "private"


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f000001"])
def test_other_spellings_of_loopback_are_seen_through(spelling: str) -> None:
    assert rule_of(f"https://{spelling}/") == "private"


def test_name_is_refused_when_one_of_its_addresses_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stands_for(monkeypatch, "8.8.8.8", "169.254.169.254")

    assert rule_of("https://rebound.example/", allow_private=True) == "link_local"


def test_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiver() as told:
        stands_for(monkeypatch, "127.0.0.1")
        posted = send(told.url.replace("127.0.0.1", "hook.example"))

    assert posted.status == 204
    assert told.received[0].headers["host"].startswith("hook.example:")


def test_post_carries_path_headers_and_body() -> None:
    with receiver() as told:
        posted = send(told.url)

    assert (posted.status, posted.error, posted.is_delivered) == (204, "", True)
    [request] = told.received
    assert (request.path, request.body) == ("/hook?a=b", b"{}")
    assert request.headers["a"] == "b"


def test_redirect_is_not_followed() -> None:
    with receiver([302]) as told:
        posted = send(told.url)

    assert (posted.status, posted.is_delivered) == (302, False)
    assert posted.error == "A redirect, which is not followed."
    assert len(told.received) == 1


@pytest.mark.parametrize("silence", [0, 1])
def test_receiver_that_hangs_or_drips_costs_the_time_out(silence: int) -> None:
    with receiver([silence]) as told:
        begun = time.monotonic()
        posted = send(told.url, seconds=0.5)
        took = time.monotonic() - begun

    assert (posted.status, posted.error) == (None, "No answer within 0.5 s.")
    assert took < 3


def test_connection_that_comes_when_the_time_is_over_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect = socket.create_connection

    def late(*args: Any, **more: Any) -> socket.socket:  # noqa: ANN401 -- its model's
        found = connect(*args, **more)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(socket, "create_connection", late)
    with receiver([1]) as told:
        begun = time.monotonic()
        posted = send(told.url, seconds=0.2)
        took = time.monotonic() - begun

    assert (posted.error, posted.is_late) == ("No answer within 0.2 s.", True)
    assert told.received == []
    assert took < 3


def test_receiver_that_talks_something_else() -> None:
    with receiver([2]) as told:
        posted = send(told.url)

    assert (posted.status, posted.is_delivered) == (None, False)
    assert posted.error == "The connection broke (BadStatusLine)."


def test_nobody_listens() -> None:
    with receiver() as told:
        url = told.url

    posted = send(url)

    assert posted.status is None
    assert posted.error == "The connection broke (ConnectionRefusedError)."


def test_server_without_tls_is_not_written_to() -> None:
    with receiver() as told:
        posted = send(told.url.replace("http://", "https://"))

    assert posted.status is None
    assert told.received == []


def test_unknown_name() -> None:
    assert send("https://nothing.invalid/").error == "The name cannot be resolved."


def test_refused_address_is_not_connected_to() -> None:
    with receiver() as told:
        posted = post(told.url, b"", {}, timeout_seconds=1, allow_private=False)

    assert (posted.status, posted.error) == (
        None,
        "The address must begin with https://.",
    )
    assert told.received == []
