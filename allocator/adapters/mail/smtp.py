"""Mails over SMTP: one connection a mail, verified TLS, a limit on every wait, errors as codes of ours.

What counts is the 250 after DATA. Before it the mail was not taken, or may have been: it is sent again under
the same Message-ID. After it nothing that goes wrong matters.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jinja2 import TemplateError

from allocator.adapters.mail import clean, render
from allocator.domain.alerts import Mail
from allocator.errors import ConfigError, MailError

_HOST = re.compile(r"(?=.{4,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_ABOUT_THE_SERVER = frozenset({500, 502, 503, 504, 521, 530, 534, 535, 538})
"""Refusals of everybody and everything: a person mends the log-in, TLS or the server, then it works."""
_MENDABLE = (b"5.3.", b"5.7.")
"""RFC 3463: the mail system itself; security and policy, such as a relay that does not know us yet."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where mails go. `timeout`: seconds for each answer; `longest`: for a whole mail."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = 20.0
    longest: float = 120.0


class SmtpMailer:
    """Port Mailer over one SMTP server."""

    def __init__(self, settings: SmtpSettings) -> None:
        sender = clean.address(settings.sender)
        if sender is None:
            raise ConfigError(
                "[alerts] from is not one e-mail address. Write it like allocator@example.com, with no name."
            )
        self._settings, self._sender = settings, sender

    def send(self, mail: Mail) -> None:
        """Returns only after the 250 that follows DATA. Raises MailError."""
        recipient = clean.address(mail.recipient)
        if recipient is None:
            raise MailError("recipient", final=True)
        content = self._rendered(mail)
        with self._session() as smtp:
            _deliver(smtp, self._sender, recipient, content)

    def check(self) -> None:
        """Connects, logs in and leaves, as `send` would. Raises MailError."""
        with self._session() as smtp:
            code, _ = smtp.noop()
            if code != 250:
                raise MailError(_named(code))

    def _rendered(self, mail: Mail) -> bytes:
        try:
            return render.wire(render.message(mail, self._sender))
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # A later version of the program may be able to: not final.
            raise MailError("content") from None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is secured and logged in; it is closed whatever happens."""
        smtp = self._client()
        with _Limit(smtp, self._settings.longest) as limit:
            try:
                with _translated(limit):
                    self._open(smtp)
                    yield smtp
            finally:
                _leave(smtp)

    def _client(self) -> smtplib.SMTP:
        own = self._settings
        client: smtplib.SMTP
        # A name is given so that none is looked up, which could take long; the real one follows.
        if own.tls == "tls":
            client = smtplib.SMTP_SSL(
                local_hostname="localhost", timeout=own.timeout, context=self._context()
            )
        else:
            client = smtplib.SMTP(local_hostname="localhost", timeout=own.timeout)
        # smtplib checks certificates against the host its constructor connects to; ours connects later,
        # when the limit on the whole already runs.
        client._host = own.host  # type: ignore[attr-defined]
        return client

    def _open(self, smtp: smtplib.SMTP) -> None:
        own = self._settings
        with _failing_as("unreachable"):
            code, _ = smtp.connect(own.host, own.port)
        if code != 220:
            raise MailError(_named(code))
        smtp.local_hostname = ehlo_name(socket.gethostname(), smtp.sock.getsockname()[0])
        if own.tls == "starttls":
            context = self._context()
            with _failing_as("tls", also_refusals=True):
                smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()
        if own.username:
            with _failing_as("login", also_refusals=True):
                smtp.login(own.username, own.password)

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError:
            raise MailError("tls") from None


class _Limit:
    """Ends a session that lasts too long, however busy it seems: a server that says a byte now and then."""

    def __init__(self, smtp: smtplib.SMTP, seconds: float) -> None:
        self._smtp, self._seconds = smtp, seconds
        self._done = threading.Event()
        self.reached = False

    def __enter__(self) -> _Limit:
        threading.Thread(target=self._watch, name="smtp-limit", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()

    def _watch(self) -> None:
        seconds = self._seconds
        while not self._done.wait(seconds):
            self.reached = True
            sock = self._smtp.sock
            if sock is not None:
                with suppress(OSError):
                    # Not the method of SSLSocket: that one also forgets the TLS state under a reader.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
            seconds = 1.0


@contextmanager
def _failing_as(code: str, *, also_refusals: bool = False) -> Iterator[None]:
    """Errors that say nothing better by themselves get this code; so do refusals, where asked."""
    try:
        yield
    except MailError:
        raise
    except (OSError, ValueError) as error:
        refused = isinstance(error, smtplib.SMTPException) and not isinstance(
            error, smtplib.SMTPServerDisconnected
        )
        own = _code_of(error)
        raise MailError(code if own is None or (refused and also_refusals) else own) from None


@contextmanager
def _translated(limit: _Limit) -> Iterator[None]:
    """Whatever a socket or smtplib raises becomes a MailError that holds none of the server's text."""
    try:
        yield
    except MailError as error:
        if limit.reached:
            raise MailError("timeout") from None
        raise error from None
    except (OSError, ValueError) as error:
        raise MailError("timeout" if limit.reached else _code_of(error) or "protocol") from None


def _code_of(error: Exception) -> str | None:
    """A code for an error that speaks for itself; smtplib hides a time-out in a disconnect's context."""
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        return "tls"
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return "cut"
    if isinstance(error, smtplib.SMTPResponseException):
        return _named(error.smtp_code)
    return None


def _deliver(smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes) -> None:
    options = []
    if not (sender + recipient).isascii():
        if not smtp.has_extn("smtputf8"):
            raise MailError("smtputf8", final=not recipient.isascii())
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        smtp.command_encoding = "utf-8"
    code, _ = smtp.mail(sender, options)
    if code != 250:
        # The sender is ours: somebody can mend it, and then this mail goes out.
        raise MailError(_named(code))
    code, said = smtp.rcpt(recipient)
    if code not in (250, 251):
        raise _refusal(code, said)
    try:
        code, said = smtp.data(content)
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    if code != 250:
        raise _refusal(code, said)


def _refusal(code: int, said: bytes | str) -> MailError:
    """Final when this recipient or this mail is refused for good, not when it is we or the server."""
    enhanced = said if isinstance(said, bytes) else said.encode(errors="replace")
    mendable = code in _ABOUT_THE_SERVER or enhanced.lstrip().startswith(_MENDABLE)
    return MailError(_named(code), final=500 <= code <= 599 and not mendable)


def _named(code: int) -> str:
    return f"smtp {code}" if 200 <= code <= 599 else "protocol"


def _leave(smtp: smtplib.SMTP) -> None:
    with suppress(OSError, ValueError, AttributeError):
        if smtp.sock is not None:
            smtp.quit()
    with suppress(OSError, AttributeError):
        smtp.close()


def ehlo_name(hostname: str, address: str) -> str:
    """The name we greet with: the host's when it is a full one, else our address as a literal."""
    if _HOST.fullmatch(hostname):
        return hostname
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"
