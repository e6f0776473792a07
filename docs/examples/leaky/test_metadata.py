"""Weak keys are of no use where the value refers to its key."""

import weakref

WRAPPERS = weakref.WeakKeyDictionary()


class Stream:
    def __init__(self, name):
        self.name = name


class Upper:
    def __init__(self, stream):
        self.stream = stream


def upper(stream):
    if stream not in WRAPPERS:
        WRAPPERS[stream] = Upper(stream)
    return WRAPPERS[stream]


def test_stream_is_freed_with_its_wrapper(assert_collected):
    stream = assert_collected(Stream("stdout"))

    assert upper(stream) is upper(stream)
