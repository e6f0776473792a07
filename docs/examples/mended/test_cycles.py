import weakref


class Document:
    def __init__(self):
        self.pages = []

    def add_page(self):
        self.pages.append(Page(self))


class Page:
    def __init__(self, document):
        self._document = weakref.ref(document)

    @property
    def document(self):
        return self._document()


def test_closing_a_page_frees_it_at_once(assert_collected):
    document = assert_collected(Document(), by_refcount=True)
    document.add_page()
