def test_server_takes_logins(server):
    assert server.is_running
