"""A toolkit such as there are many: closed windows go when its loop gets to them, and it caches on its own account."""

CLOSED = []
MEASURED = []
OPEN = []


class Window:
    def __init__(self, title, fields=()):
        self.title = title
        self.fields = [Field(name) for name in fields]

    def show(self):
        OPEN.extend(self.fields)

    def close(self):
        CLOSED.append(self)


class Field:
    def __init__(self, name):
        self.name = name


class Font:
    def width(self, text):
        MEASURED.append(self)
        return 8 * len(text)


def process_events():
    CLOSED.clear()
