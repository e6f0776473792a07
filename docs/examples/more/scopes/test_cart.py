def test_server_takes_carts(server):
    assert server.is_running
