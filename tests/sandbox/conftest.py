"""One running sandbox for all its tests, put back to its start before each."""

from collections.abc import Iterator

import pytest
from hub_client import Hub
from sandbox_client import Client

from allocator.sandbox.app import Sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="demo") as sandbox:
        yield sandbox


@pytest.fixture
def client(shared_sandbox: Sandbox) -> Client:
    """A client of the demo org as it was at its start, with an empty log."""
    shared_sandbox.reset()
    shared_sandbox.oauth.revoke_all()
    made = Client(shared_sandbox)
    made.call("DELETE", "/_sandbox/requests")
    return made


@pytest.fixture
def hub(shared_sandbox: Sandbox) -> Hub:
    """A client of the demo company's HubSpot account as it was at its start, with an empty log. The org
    stays as it is: filling it again for each of these tests would take longer than the tests do."""
    shared_sandbox.faults.clear(cut=True)
    shared_sandbox.clock.reset()
    shared_sandbox.reset_portal()
    shared_sandbox.log.clear()
    return Hub(shared_sandbox)
