class Document:
    def __init__(self):
        self.pages = []

    def add_page(self):
        self.pages.append(Page(self))


class Page:
    def __init__(self, document):
        self.document = document


def test_closing_a_page_frees_it_at_once(assert_collected):
    document = assert_collected(Document(), by_refcount=True)
    document.add_page()
