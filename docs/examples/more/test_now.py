"""Objects that must go while the test still runs."""


class Connection: ...


class Pool:
    def __init__(self):
        self.free = [Connection(), Connection()]

    def shrink(self):
        self.free.pop()


def test_shrinking_frees_a_connection(assert_collected):
    pool = Pool()
    assert_collected(pool.free[-1])

    pool.shrink()
    assert_collected.now()

    assert len(pool.free) == 1
