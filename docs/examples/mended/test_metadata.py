"""The stream has its wrapper itself: a cycle, which goes as one."""


class Stream:
    def __init__(self, name):
        self.name = name
        self.upper = None


class Upper:
    def __init__(self, stream):
        self.stream = stream


def upper(stream):
    if stream.upper is None:
        stream.upper = Upper(stream)
    return stream.upper


def test_stream_is_freed_with_its_wrapper(assert_collected):
    stream = assert_collected(Stream("stdout"))

    assert upper(stream) is upper(stream)
