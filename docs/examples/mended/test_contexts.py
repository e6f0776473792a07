"""The context variable is reset when the request has been handled."""

import contextvars

REQUEST = contextvars.ContextVar("request")


class Request:
    def __init__(self, path):
        self.path = path


def handle(request):
    token = REQUEST.set(request)
    try:
        return f"200 {REQUEST.get().path}"
    finally:
        REQUEST.reset(token)


def test_handled_request_is_freed(assert_collected):
    request = Request("/cart")
    assert_collected(request)

    assert handle(request) == "200 /cart"
