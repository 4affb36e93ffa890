"""A mail server on loopback that keeps what it takes: for the demo, and to try alerts by hand."""

from __future__ import annotations

import re
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """Serves SMTP on a free port of this machine while it is open. `mails` are in the order they came.

    With `folder` each is also a file there that a mail program opens, named by its number and subject.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        self.url = f"smtp://127.0.0.1:{port}"
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """aiosmtpd's hook for a whole mail."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / file_name(len(self.mails), str(message["Subject"]))).write_bytes(envelope.content)
        return "250 kept"


def file_name(number: int, subject: str) -> str:
    """Such as `01 DRAFT routing_tables.xlsx the draft passed the check.eml`."""
    words = re.sub(r"[^\w. -]+", "", re.sub(r"^\[.*?\] *", "", subject)).strip(". ")
    return f"{number:02d} {words[:80].rstrip('. ')}.eml"
