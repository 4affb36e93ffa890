"""The service's two pages for machines: /healthz and /metrics."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from flask import Flask, Response, jsonify
from werkzeug.serving import BaseWSGIServer, make_server

from allocator.entrypoints import metrics
from allocator.errors import ConfigError
from allocator.service.health import Health


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
        }
        return jsonify(body), 200 if found.ok else 503

    @app.get("/metrics")
    def prometheus() -> Response:
        return Response(figures(), content_type=metrics.CONTENT_TYPE)

    return app


class Pages:
    """Serves the pages from a thread of its own. Raises ConfigError when the address is taken."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would be the loudest of all
        try:
            self._server: BaseWSGIServer = make_server(host, port, app, threaded=True)
        except (OSError, SystemExit):
            raise ConfigError(
                f"{host}:{port} cannot be listened on: another program has it. Change listen under [serve]."
            ) from None
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
