"""A cache that is to forget an object when it dies, and that keeps the object from dying."""

import weakref


class SmartCache:
    def __init__(self):
        self._objects = {}
        self._references = {}

    def set(self, key, obj):
        def forget(_):
            self._objects.pop(key, None)
            self._references.pop(key, None)

        self._objects[key] = obj  # strong: the weak reference below can never die
        self._references[key] = weakref.ref(obj, forget)

    def get(self, key):
        reference = self._references.get(key)
        return reference() if reference else None


CACHE = SmartCache()


class Result:
    def __init__(self, rows):
        self.rows = rows


def test_cached_result_is_freed(assert_collected):
    result = Result(["a", "b"])
    assert_collected(result, reason="only the cache may still know of it")

    CACHE.set("query", result)

    assert CACHE.get("query") is result
