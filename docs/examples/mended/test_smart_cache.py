"""The mended class: weak references alone, and a callback that takes the entry out."""

from pytest_leakcheck.patterns import SmartCache

CACHE = SmartCache()


class Result:
    def __init__(self, rows):
        self.rows = rows


def test_cached_result_is_freed(assert_collected):
    result = Result(["a", "b"])
    assert_collected(result, reason="only the cache may still know of it")

    CACHE.set("query", result)

    assert CACHE.get("query") is result
