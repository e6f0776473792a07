from shop import LATEST, Client, log_in, look_at, pay, settings


def test_settings_are_made_on_first_use():
    assert settings() is settings()


def test_each_login_replaces_the_client_before():
    assert log_in() is Client.current


def test_the_latest_offers_are_remembered():
    look_at(42)
    assert LATEST[-1].price == 42


def test_each_receipt_is_kept_for_good():
    assert pay(10).total == 10


def test_so_is_a_large_one():
    assert pay(1000).total == 1000
