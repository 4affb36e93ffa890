"""Sockets: HTTP/1.1 with keep-alive on loopback, plain or TLS, and replies that can be cut on the wire."""

from __future__ import annotations

import gzip
import re
import socket
import socketserver
import ssl
import struct
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from allocator.sandbox.wire import ApiError, Headers, Request, Response

MAX_TARGET = 16_384  # the REST API refuses a longer URI
MAX_BODY = 60_000_000


class Cut(Exception):
    """The reply never comes: the socket is closed, or reset."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


Answer = Callable[[Request], Response]


class LoopbackServer(socketserver.ThreadingTCPServer):
    """One thread a connection; `shut` also closes the connections that are still open."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = False

    def __init__(
        self, port: int, answer: Answer, context: ssl.SSLContext | None, now: Callable[[], str]
    ) -> None:
        self.answer, self.context, self.http_now = answer, context, now
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The TLS handshake belongs to the connection's thread: a silent client must not block the others."""
        try:
            if self.context is not None:
                request.settimeout(20)
                request = self.context.wrap_socket(request, server_side=True)
                request.settimeout(None)
        except OSError:
            request.close()
            return
        self._remember(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def _remember(self, request: socket.socket) -> None:
        with self._guard:
            self._open.add(request)

    def _forget(self, request: socket.socket) -> None:
        with self._guard:
            self._open.discard(request)

    def shut(self) -> None:
        self.shutdown()
        self.server_close()
        with self._guard:
            still_open = list(self._open)
        for connection in still_open:
            _end(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is everyday business of this server, not an error to print."""


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


class Handler(BaseHTTPRequestHandler):
    """Reads one request after another from a connection and writes what the sandbox answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def __getattr__(self, name: str) -> Any:
        """http.server looks for do_GET, do_PATCH, ...: every method is ours to judge."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        try:
            request = self._request()
            response = self.server.answer(request)
        except ApiError as error:
            self.close_connection = True
            return self._write(error.response())
        except Cut as cut:
            return self._cut(cut)
        request.entry["status"] = None if response.truncate else response.status
        return self._write(response)

    def _request(self) -> Request:
        if len(self.path) > MAX_TARGET:
            raise ApiError(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384 byte limit")
        headers = Headers(dict(self.headers.items()))
        body = _inflate(self._body(headers), headers)
        return Request(self.command, self.path, headers, body, alive=self._alive)

    def _body(self, headers: Headers) -> bytes:
        if "chunked" in headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        try:
            length = int(headers.get("Content-Length") or 0)
        except ValueError:
            raise ApiError(400, "BAD_REQUEST", "Content-Length is not a number") from None
        if not 0 <= length <= MAX_BODY:
            raise ApiError(413, "REQUEST_TOO_LARGE", "The request body is too large")
        return self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        """A body that ends early was cut on its way: nothing of it may be done."""
        body = self.rfile.read(length)
        if len(body) < length:
            raise Cut(reset=False)
        return body

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        room = MAX_BODY
        while size := self._chunk_size():
            room -= size
            if room < 0:
                raise ApiError(413, "REQUEST_TOO_LARGE", "The request body is too large")
            parts.append(self._exactly(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(parts)

    def _chunk_size(self) -> int:
        line = self.rfile.readline()
        if not line:
            raise Cut(reset=False)
        text = line.split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", text):
            raise ApiError(400, "BAD_REQUEST", "The size of a chunk is not a hexadecimal number")
        return int(text, 16)

    def _write(self, response: Response) -> None:
        payload = response.payload()
        self.send_response_only(response.status)
        headers = {"Date": self.server.http_now(), **response.headers}
        if payload:
            headers["Content-Type"] = response.content_type
        if response.status not in (204, 304):
            headers["Content-Length"] = str(len(payload))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self._send(payload, truncate=response.truncate)

    def _send(self, payload: bytes, *, truncate: bool) -> None:
        """Head and body leave in one write. A truncated reply promises more than it sends, then closes."""
        head = b"".join(self._headers_buffer) + b"\r\n"
        self._headers_buffer.clear()
        whole = head if self.command == "HEAD" else head + payload
        if truncate:
            # Without a body there is only the status line to tear.
            whole = whole[: len(head) + len(payload) // 2] if payload else whole[: len(b"HTTP/1.1 2")]
        self.wfile.write(whole)
        self.close_connection = self.close_connection or truncate

    def _cut(self, cut: Cut) -> None:
        self.close_connection = True
        if cut.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Closing without a shutdown is what sends RST: shutdown would say FIN first.
            socket.socket.close(self._plain_socket())
        else:
            _end(self.connection)

    def _plain_socket(self) -> socket.socket:
        """TLS would say good-bye first; a reset does not."""
        return socket.socket(fileno=self.connection.detach())

    def _alive(self) -> bool:
        """Is the client still connected? (Linux tells; elsewhere we believe it is.)"""
        try:
            info = self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        except (OSError, AttributeError):
            return True
        return info[0] == 1  # TCP_ESTABLISHED

    def log_message(self, format: str, *args: Any) -> None:
        """The request log is what remembers; nothing goes to stderr."""


def _inflate(body: bytes, headers: Headers) -> bytes:
    if headers.get("Content-Encoding", "").lower() != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        raise ApiError(400, "BAD_REQUEST", "The request body is not gzip") from None
