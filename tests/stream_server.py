"""A server on loopback that misbehaves as servers do, and audio to send."""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import av
import numpy as np

Handler = Callable[["Request"], None]


class Request:
    """One request, answered on its bare socket."""

    def __init__(self, connection: socket.socket, path: str, headers: dict[str, str], server):
        self.connection, self.path, self.headers, self.server = connection, path, headers, server

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: str = "HTTP/1.0 200 OK", **headers: object) -> None:
        lines = [status, *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def pace(self, data: bytes, bytes_a_second: float, burst: int = 0) -> None:
        """Send the first ``burst`` bytes at once, then as fast as they play."""
        self.send(data[:burst])
        begun, sent = time.monotonic(), burst
        while sent < len(data) and not self.server.stopped.is_set():
            due = burst + int((time.monotonic() - begun) * bytes_a_second)
            if due > sent:
                self.send(data[sent:due])
                sent = min(due, len(data))
            time.sleep(0.02)

    def hang(self) -> None:
        """Send nothing more, and keep the connection."""
        self.server.stopped.wait(60)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server.owner
        self.request.settimeout(30)
        if server.wrap is not None:
            try:
                self.request = server.wrap(self.request)
            except OSError:
                self.request.close()
                return
        with contextlib.suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                data = self.request.recv(4096)
                if not data:
                    return
                received += data
            first, *lines = received.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            path = first.split(" ")[1]
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            server.requests.append((path, headers))
            handler = server.handlers.get(path.split("?")[0])
            request = Request(self.request, path, headers, server)
            if handler is None:
                request.answer("HTTP/1.1 404 Not Found", Content_Length=0)
            else:
                handler(request)
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
        self.request.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class StreamServer:
    """Handlers by path; ``server.url("/live")`` is where they answer."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        self.handlers: dict[str, Handler] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.stopped = threading.Event()
        self.wrap = wrap
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        scheme = "http" if self.wrap is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}{path}"

    def file(self, path: str, data: bytes, kind: str = "audio/mpeg") -> str:
        """Serve a file of known length."""

        def handler(request: Request) -> None:
            request.answer("HTTP/1.1 200 OK", Content_Type=kind, Content_Length=len(data))
            request.send(data)

        self.handlers[path] = handler
        return self.url(path)

    def close(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def serving(**options: object) -> Iterator[StreamServer]:
    server = StreamServer(**options)
    try:
        yield server
    finally:
        server.close()


# ---- audio


def encoded(
    samples: np.ndarray,
    rate: int,
    container: str,
    codec: str,
    *,
    bit_rate: int = 64000,
    **tags: str,
) -> bytes:
    """Return samples, (channels, n) float, as a file."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        output.metadata.update(tags)
        stream = output.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = bit_rate
        stream.metadata.update(tags)
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), "fltp", layout)
        frame.sample_rate = rate
        frame.pts = 0
        size = stream.codec_context.frame_size or 1024
        fifo = av.AudioFifo()
        for each in resampler.resample(frame):
            fifo.write(each)
        while (part := fifo.read(size)) or (part := fifo.read()):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def sweep(seconds: float, rate: int, channels: int = 1, *, low: float = 200.0) -> np.ndarray:
    """Return a rising tone with a click a second: every instant is recognisable."""
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (low * t + 20 * t * t))
    rng = np.random.default_rng(7)
    return np.tile((tone + 0.05 * rng.normal(size=len(t))).astype(np.float32), (channels, 1))


def icy(data: bytes, interval: int, titles: dict[int, bytes]) -> bytes:
    """Insert blocks of text: titles by the number of the block."""
    parts = []
    for number, start in enumerate(range(0, len(data), interval)):
        part = data[start : start + interval]
        parts.append(part)
        if len(part) == interval:
            title = titles.get(number)
            text = b"" if title is None else b"StreamTitle='" + title + b"';StreamUrl='';"
            text += bytes(-len(text) % 16)
            parts.append(bytes([len(text) // 16]) + text)
    return b"".join(parts)
