"""A configured org with a mail server and everybody to tell: all green before a test breaks one thing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

from org import Org
from post_office import PostOffice


@pytest.fixture(autouse=True)
def silent_retries() -> Iterator[None]:
    """What the program sets when it starts as a process: no line for each retry."""
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks(())
    yield
    set_on_retry_hooks(None)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def org(tmp_path: Path, office: PostOffice) -> Iterator[Org]:
    made = Org(tmp_path)
    try:
        made.init("--smtp", office.url, "--oncall", "ops@example.com", "--editor", "marketing@example.com")
        yield made
    finally:
        made.close()


@pytest.fixture
def postgresql(postgresql_url: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return postgresql_url()
