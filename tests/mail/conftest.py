"""Mailboxes that stop with the test, and certificates for loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mailbox_server import Mailbox

from allocator.sandbox.tls import server_context


@pytest.fixture
def open_mailbox() -> Iterator[Callable[..., Mailbox]]:
    with ExitStack() as stack:
        yield lambda **parts: stack.enter_context(Mailbox(**parts))


@pytest.fixture
def mailbox(open_mailbox: Callable[..., Mailbox]) -> Mailbox:
    return open_mailbox()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return server_context(tmp_path_factory.mktemp("tls"))
