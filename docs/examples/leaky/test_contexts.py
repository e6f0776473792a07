"""A context variable that is set for a request, and never reset."""

import contextvars

REQUEST = contextvars.ContextVar("request")


class Request:
    def __init__(self, path):
        self.path = path


def handle(request):
    REQUEST.set(request)
    return f"200 {REQUEST.get().path}"


def test_handled_request_is_freed(assert_collected):
    request = Request("/cart")
    assert_collected(request)

    assert handle(request) == "200 /cart"
