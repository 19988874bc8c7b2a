"""How the scorer and its child speak: a JSON header and raw float64 values.

A frame is two lengths (header: unsigned 32 bits, body: unsigned 64 bits, big-endian),
the header as JSON, the body as little-endian float64, row by row. Nothing is unpickled.
"""

import json
import math
import socket
import struct
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LENGTHS: Final = struct.Struct(">IQ")
MAX_HEADER_BYTES: Final = 16 * 2**20
MAX_BODY_BYTES: Final = 4 * 2**30

type Matrix = NDArray[np.float64]
type Header = dict[str, Any]


class ChannelClosed(ConnectionError):
    """The other end is gone."""


class BadFrame(ValueError):
    """The other end sent something that is no frame."""


def send(
    channel: socket.socket, header: Header, matrix: Matrix, *, deadline: float
) -> None:
    """Send one frame before the deadline (monotonic seconds; infinity waits for ever).

    Raises: TimeoutError; OSError when the other end is gone.
    """
    body = np.ascontiguousarray(matrix, dtype="<f8")
    head = json.dumps({**header, "shape": list(body.shape)}).encode()
    _limit(channel, deadline)
    channel.sendall(LENGTHS.pack(len(head), body.nbytes) + head)
    _limit(channel, deadline)
    channel.sendall(body.data.cast("B") if body.size else b"")


def receive(channel: socket.socket, *, deadline: float) -> tuple[Header, Matrix]:
    """Receive one frame before the deadline.

    Raises: TimeoutError; ChannelClosed or OSError; BadFrame.
    """
    n_head, n_body = LENGTHS.unpack(_read(channel, LENGTHS.size, deadline))
    if n_head > MAX_HEADER_BYTES or n_body > MAX_BODY_BYTES:
        raise BadFrame(f"a frame of {n_head} + {n_body} bytes")
    header = json.loads(_read(channel, n_head, deadline))
    body = _read(channel, n_body, deadline)
    shape = tuple(header["shape"])
    if math.prod(shape) * 8 != n_body:
        raise BadFrame(f"{n_body} bytes for the shape {shape}")
    matrix = np.frombuffer(body, dtype="<f8").reshape(shape)
    return header, matrix.astype(np.float64, copy=False)


def body_of(data: bytes) -> Matrix:
    """Return bytes as the values of a frame's body, padded to whole ones."""
    return np.frombuffer(data + bytes(-len(data) % 8), dtype="<f8")


def bytes_of(body: Matrix, n_bytes: int) -> bytes:
    """Return the bytes that `body_of` was given, bit by bit."""
    return body.astype("<f8", copy=False).tobytes()[:n_bytes]


def _read(channel: socket.socket, n_bytes: int, deadline: float) -> bytearray:
    buffer = bytearray(n_bytes)
    view, done = memoryview(buffer), 0
    while done < n_bytes:
        _limit(channel, deadline)
        n = channel.recv_into(view[done:])
        if n == 0:
            raise ChannelClosed
        done += n
    return buffer


def _limit(channel: socket.socket, deadline: float) -> None:
    if math.isinf(deadline):
        channel.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel.settimeout(left)
