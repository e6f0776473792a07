"""What the toolkit's users test."""

import pytest
from desk import Font, Window


def test_closed_window_goes(assert_collected):
    assert_collected(Window("Preferences")).close()


def test_font_goes(assert_collected):
    assert assert_collected(Font()).width("weak") == 32


@pytest.mark.parametrize("title", ["Log in", "Sign up"])
def test_form_goes(assert_collected, title):
    window = assert_collected(Window(title, fields=["user", "password"]))
    window.show()
    window.close()
