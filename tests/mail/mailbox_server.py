"""A real SMTP server on loopback that keeps what it receives and misbehaves on request."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it came: the envelope, the very bytes, and the message parsed from them."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    message: EmailMessage

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")

    def part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        return body.get_content()


@dataclass(slots=True)
class _Script:
    reply: str
    times: int | None

    def take(self) -> str | None:
        if self.times is None:
            return self.reply
        self.times -= 1
        return self.reply if self.times >= 0 else None


class Mailbox:
    """`tls` as in the settings: "none", "starttls" (then required) or "tls", both with a `context`.

    `users` makes a log-in required. `port` stays the same over stop and start.
    """

    def __init__(
        self,
        *,
        tls: str = "none",
        context: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host, self.port, self.tls = host, port, tls
        self.received: list[Received] = []
        self.silent = False
        """Take connections and never greet."""
        self.drip = False
        """Greet for ever, a line now and then."""
        self.connections = 0
        self._context, self._users = context, users
        self._refused: dict[str, _Script] = {}
        self._data: list[_Script] = []
        self._cuts = 0
        self._changed = threading.Condition()
        self._transports: list[asyncio.BaseTransport] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None

    # life
    def start(self) -> Mailbox:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.host, self.port))
        sock.listen(64)
        self.port = sock.getsockname()[1]
        self._loop = loop = asyncio.new_event_loop()
        implicit = self._context if self.tls == "tls" else None
        self._server = loop.run_until_complete(loop.create_server(self._protocol, sock=sock, ssl=implicit))
        self._thread = threading.Thread(target=loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Like a crash: every connection is cut, new ones are refused. What was received stays."""
        if self._loop is None or self._thread is None:
            return
        done = asyncio.run_coroutine_threadsafe(self._cut_all(), self._loop)
        done.result(WAIT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT)
        self._loop.close()
        self._loop = self._thread = None

    def __enter__(self) -> Mailbox:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    # script
    def refuse(self, recipient: str, reply: str, *, times: int | None = None) -> None:
        """Answer RCPT TO this recipient so."""
        self._refused[recipient] = _Script(reply, times)

    def refuse_data(self, reply: str, *, times: int | None = None) -> None:
        """Answer the end of DATA so; the mail is not kept."""
        self._data.append(_Script(reply, times))

    def cut_after_data(self, times: int = 1) -> None:
        """Keep the mail, but cut the connection instead of saying so."""
        self._cuts = times

    def accept_everything(self) -> None:
        """Forget the script."""
        self._refused.clear()
        self._data.clear()
        self._cuts, self.silent, self.drip = 0, False, False

    # look
    def wait(self, wanted: Callable[[list[Received]], bool] | int, seconds: float = WAIT) -> list[Received]:
        """Until so many mails are here, or `wanted` says yes; then all of them."""
        enough = wanted if callable(wanted) else lambda mails: len(mails) >= wanted
        end = time.monotonic() + seconds
        with self._changed:
            while not enough(self.received):
                left = end - time.monotonic()
                assert left > 0, f"only {len(self.received)} mails came within {seconds} s"
                self._changed.wait(left)
            return list(self.received)

    def to(self, recipient: str) -> list[Received]:
        return [mail for mail in self.received if recipient in mail.recipients]

    # aiosmtpd's hooks
    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        script = self._refused.get(address)
        reply = script.take() if script else None
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        for script in self._data:
            reply = script.take()
            if reply is not None:
                return reply
        raw = envelope.original_content
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        mail = Received(envelope.mail_from, tuple(envelope.rcpt_tos), raw, parsed)
        with self._changed:
            self.received.append(mail)
            self._changed.notify_all()
        if self._cuts > 0:
            self._cuts -= 1
            server.transport.abort()
        return "250 OK"

    def _protocol(self) -> asyncio.BaseProtocol:
        self.connections += 1
        if self.silent or self.drip:
            return _Mute(self._transports, self.drip)
        parts: dict[str, Any] = {"hostname": "mailbox.test", "enable_SMTPUTF8": True}
        if self.tls == "starttls":
            parts |= {"tls_context": self._context, "require_starttls": True}
        if self._users is not None:
            parts |= {
                "authenticator": self._authenticate,
                "auth_required": True,
                "auth_require_tls": self.tls == "starttls",
            }
        return _Kept(self, self._transports, **parts)

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        known = self._users or {}
        good = isinstance(data, LoginPassword) and known.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=good, handled=good)

    async def _cut_all(self) -> None:
        loop = asyncio.get_running_loop()
        if self._server is not None:
            self._server.close()
        for transport in self._transports:
            transport.abort() if isinstance(transport, asyncio.Transport) else transport.close()
        tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._transports.clear()


class _Kept(SMTP):
    """Remembers its connection, so that it can be cut."""

    def __init__(self, handler: Mailbox, transports: list[asyncio.BaseTransport], **parts: Any) -> None:
        super().__init__(handler, **parts)
        self._all = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._all.append(transport)
        super().connection_made(transport)


class _Mute(asyncio.Protocol):
    """Never greets, or never ends to."""

    def __init__(self, transports: list[asyncio.BaseTransport], drip: bool) -> None:
        self._all, self._drip = transports, drip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._all.append(transport)
        if self._drip and isinstance(transport, asyncio.Transport):
            self._say(transport)

    def _say(self, transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            transport.write(b"220-one moment\r\n")
            asyncio.get_running_loop().call_later(0.05, self._say, transport)
