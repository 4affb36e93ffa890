"""A configured org, a mail server on loopback and, where a test asks for it, real `serve` processes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))
sys.path.insert(0, str(Path(__file__).parents[1] / "mail"))
sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))

from desks import Desk, set_up
from mailbox_server import Mailbox
from org import Org
from served import Warm
from waiting_desk import make_busy
from workbooks import changed


@pytest.fixture(autouse=True)
def silent_retries() -> Iterator[None]:
    """What the program sets when it starts as a process: no line for each retry."""
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks(())
    yield
    set_on_retry_hooks(None)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Org, Mailbox]]:
    """One CRM, one mail server and one configured folder, which is put back for each test."""
    made = Org(tmp_path_factory.mktemp("office"), seed="empty")
    with Mailbox() as mailbox:
        set_up(made, mailbox)
        shutil.copytree(made.config.parent, made.folder / "template")
        yield made, mailbox
    made.close()


@pytest.fixture
def org(office: tuple[Org, Mailbox]) -> Org:
    """The configured folder as `init` left it; nothing is wrong with the CRM."""
    org, mailbox = office
    org.control("DELETE", "faults")
    shutil.rmtree(org.config.parent)
    shutil.copytree(org.folder / "template", org.config.parent)
    mailbox.received.clear()
    return org


@pytest.fixture
def mailbox(office: tuple[Org, Mailbox]) -> Mailbox:
    return office[1]


@pytest.fixture(scope="session")
def first_workbook() -> bytes:
    return changed({})


@pytest.fixture
def desk(org: Org, mailbox: Mailbox, first_workbook: bytes) -> Iterator[Desk]:
    made = Desk(org, mailbox, first=first_workbook)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk whose version runs with a Publish threshold, and that has past leads."""
    return make_busy(desk)


@pytest.fixture(scope="session")
def warm_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    made = Warm(tmp_path_factory.mktemp("served"))
    yield made
    made.close()


@pytest.fixture
def warm(warm_process: Warm) -> Iterator[Warm]:
    yield warm_process
    warm_process.end_all()
