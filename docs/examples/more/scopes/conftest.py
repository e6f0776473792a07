import pytest
from shop import Server


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()
