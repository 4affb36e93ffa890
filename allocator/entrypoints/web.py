"""The service's two pages for machines: /healthz and /metrics."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from allocator.entrypoints import metrics
from allocator.errors import ConfigError
from allocator.service.health import Health

PATIENCE_SECONDS = 3.0
SILENCE_SECONDS = 10.0
"""Who says nothing for so long keeps no thread of ours."""


def application(health: Callable[[], Health], figures: Callable[[], bytes]) -> Flask:
    """The pages, on whatever tells how things stand."""
    app = Flask("allocator", static_folder=None)

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        found = health()
        body = {
            "ok": found.ok,
            "problems": list(found.problems),
            "last_done": found.last_done and found.last_done.isoformat(),
            "oldest_unsent": found.oldest_unsent and found.oldest_unsent.isoformat(),
            "paused": [
                {"kind": p.kind, "name": p.name, "until": p.until and p.until.isoformat()}
                for p in found.pauses
            ],
        }
        return jsonify(body), 200 if found.ok else 503

    @app.get("/metrics")
    def prometheus() -> Response:
        return Response(figures(), content_type=metrics.CONTENT_TYPE)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response | HTTPException:
        """What and not why: a message might quote what must not be shown or logged."""
        if isinstance(error, HTTPException):
            return error
        return Response(f"unexpected {type(error).__name__}\n", 500, content_type="text/plain")

    return app


class Patiently:
    """Asks `work`, and gives `otherwise` to whoever has waited for `seconds`: a monitor must get an answer.

    Who asks meanwhile waits for the same answer, so that a locked store does not gather threads.
    """

    def __init__(
        self, work: Callable[[], Any], otherwise: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._work, self._otherwise, self._seconds = work, otherwise, seconds
        self._lock = threading.Lock()
        self._asking: Future[Any] | None = None

    def __call__(self) -> Any:
        with self._lock:
            if self._asking is None or self._asking.done():
                self._asking = Future()
                threading.Thread(target=self._ask, args=(self._asking,), name="ask", daemon=True).start()
            asking = self._asking
        try:
            return asking.result(self._seconds)
        except TimeoutError:
            return self._otherwise()

    def _ask(self, answer: Future[Any]) -> None:
        try:
            answer.set_result(self._work())
        except Exception as error:  # noqa: BLE001 (whoever asked gets it)
            answer.set_exception(error)


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_SECONDS


class Pages:
    """Serves the pages from a thread of its own. Raises ConfigError when the address is taken."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        # Its access log would be the loudest of all, and its errors hold tracebacks.
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        with _listening(host, port) as own:
            self._server: BaseWSGIServer = make_server(
                host, port, app, threaded=True, request_handler=_Handler, fd=own.fileno()
            )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _listening(host: str, port: int) -> socket.socket:
    """Raises ConfigError that says what is in the way; werkzeug would print and exit."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another program has it" if taken else error.strerror or type(error).__name__
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {why}. Change listen under [serve]."
        ) from None
