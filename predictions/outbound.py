"""One POST to an address that a person configured, and to nothing that it may reach.

Whoever may add a web-hook is not always who runs the network. So a name is resolved
here, every address that it stands for is checked, and the connection goes to one of
those and nowhere else: a name that changes its mind in between, or a redirect, leads
nowhere. No proxy is asked.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Self, cast
from urllib.parse import urlsplit

from predictions.declaration import FieldError

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH = 500
DEFAULT_PORTS = {"https": 443, "http": 80}


def _networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Where clouds hand out credentials to whoever asks, and what is only next door.
NEVER = _networks(
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200", "192.0.0.192"
)
INSIDE = _networks(
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All of IPv6 that is handed out; outside of it the rest of `is_global` is reserved,
# site-local, or stands for an IPv4 address in a way that nothing here takes apart.
UNICAST = ipaddress.IPv6Network("2000::/3")
DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")


class AddressRefused(ValueError):
    """The address may not be written to; `errors` names the rule."""

    def __init__(self, rule: str, value: str) -> None:
        super().__init__(RULES[rule])
        self.errors = [FieldError("url", rule, value)]


RULES = {
    "missing": "An address is needed.",
    "characters": "Only printable ASCII without spaces; a name in punycode.",
    "too_long": f"At most {MAX_URL_LENGTH} characters.",
    "scheme": "The address must begin with https://.",
    "host": "The address names no host.",
    "port": "The port is not one.",
    "credentials": "No user name or password in the address.",
    "fragment": "No # in the address.",
    "link_local": "Link-local, metadata and multicast addresses are never written to.",
    "private": "Private and loopback addresses are closed here: WEBHOOK_ALLOW_PRIVATE.",
    "plain_http": "Plain http only to private and loopback addresses.",
    "name": "The name cannot be resolved.",
}


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a POST: a status, or why there was none.

    `body` is the answer where it was asked for; `is_late` says that the time was over.
    """

    status: int | None
    error: str = ""
    body: bytes = b""
    is_late: bool = False

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def read_url(url: str, *, allow_private: bool) -> Target:
    """Take an address apart and check what can be known without the network.

    Raises: AddressRefused.
    """
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused("too_long", str(len(url)))
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise AddressRefused("characters", ascii(url)[:100])
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise AddressRefused("port", url[:100]) from error
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        raise AddressRefused("scheme", parts.scheme)
    if not parts.hostname:
        raise AddressRefused("host", url[:100])
    if "@" in parts.netloc:
        raise AddressRefused("credentials", parts.hostname)
    if parts.fragment:
        raise AddressRefused("fragment", parts.fragment[:100])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, parts.hostname, port, path)
    if (literal := _literal(target.host)) is not None:
        _check(literal, target, allow_private=allow_private)
    return target


def resolve(target: Target, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host when every one of them may be written to.

    Raises: AddressRefused.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("name", target.host) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        _check(ipaddress.ip_address(address), target, allow_private=allow_private)
    return addresses


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float,
    allow_private: bool,
    most_bytes: int = 0,
) -> Posted:
    """Send a body once, within a time for all of it; follow nothing.

    Reads an answer of at most `most_bytes`; one that is longer is an error. The time to
    resolve the name comes on top. Never raises for what the other side does.
    """
    try:
        target = read_url(url, allow_private=allow_private)
        addresses = resolve(target, allow_private=allow_private)
    except AddressRefused as refusal:
        return Posted(None, str(refusal))
    with _Conversation(timeout_seconds) as conversation:
        try:
            conversation.open(target, addresses)
            return _exchange(target, conversation.sock, body, headers, most_bytes)
        except (OSError, HTTPException) as error:
            if conversation.is_over or isinstance(error, TimeoutError):
                late = f"No answer within {timeout_seconds:g} s."
                return Posted(None, late, is_late=True)
            return Posted(None, _reason(error))


def _exchange(
    target: Target,
    sock: socket.socket,
    body: bytes,
    headers: Mapping[str, str],
    most_bytes: int,
) -> Posted:
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = kind(target.host, target.port)
    connection.sock = sock
    connection.request("POST", target.path, body, dict(headers))
    answer = connection.getresponse()
    if 300 <= answer.status < 400:
        return Posted(answer.status, "A redirect, which is not followed.")
    if not 200 <= answer.status < 300:
        return Posted(answer.status, f"Answered {answer.status}.")
    if not most_bytes:
        return Posted(answer.status)
    said = answer.read(most_bytes + 1)
    if len(said) > most_bytes:
        return Posted(None, f"The answer is longer than {most_bytes} bytes.")
    return Posted(answer.status, body=said)


class _Conversation:
    """A connection that ends after a time, however little comes however often."""

    def __init__(self, seconds: float) -> None:
        self.sock = socket.socket()
        self.is_over = False
        self._deadline = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._timer.cancel()
        self._timer.join()
        self.sock.close()

    def open(self, target: Target, addresses: Sequence[str]) -> None:
        """Connect to the first of the checked addresses that answers.

        Raises: OSError.
        """
        self._keep(self._connected(target.port, addresses))
        if target.scheme == "https":
            context = ssl.create_default_context()
            self._keep(
                context.wrap_socket(
                    self.sock,
                    server_hostname=target.host,
                    do_handshake_on_connect=False,
                )
            )
            cast("ssl.SSLSocket", self.sock).do_handshake()

    def _connected(self, port: int, addresses: Sequence[str]) -> socket.socket:
        failure: OSError = TimeoutError()
        for address in addresses:
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection((address, port), left)
            except OSError as error:
                failure = error
        raise failure

    def _keep(self, sock: socket.socket) -> None:
        """Take a socket over. Raises: TimeoutError where its time was over before."""
        self.sock.close()
        self.sock = sock
        # The end that came meanwhile has ended the other one.
        if self.is_over:
            raise TimeoutError

    def _end(self) -> None:
        self.is_over = True
        # Wakes whoever reads; closing the socket would not.
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _check(address: Address, target: Target, *, allow_private: bool) -> None:
    address = _embedded(address)
    if address.is_multicast or address.is_unspecified or _is_in(address, NEVER):
        raise AddressRefused("link_local", target.host)
    is_inside = _is_in(address, INSIDE)
    if not (allow_private if is_inside else _is_public(address)):
        raise AddressRefused("private", target.host)
    if target.scheme == "http" and not is_inside:
        raise AddressRefused("plain_http", target.host)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    is_handed_out = address in UNICAST and address not in DOCUMENTATION
    return is_handed_out and address.is_global


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_in(
    address: Address,
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
) -> bool:
    return any(address in network for network in networks)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _reason(error: OSError | HTTPException) -> str:
    """Say what went wrong without anything that the other side wrote."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not accepted: {error.verify_message}."[:200]
    if isinstance(error, ssl.SSLError):
        return "No secure connection could be made."
    if isinstance(error, ConnectionError) or not isinstance(error, OSError):
        said = type(error).__name__
        return f"The connection broke ({said})."
    return f"No connection: {error.strerror or type(error).__name__}."[:200]
