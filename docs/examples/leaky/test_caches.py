"""Caches that remember more than they are asked for."""

import functools

THUMBNAILS = {}
NOTES = {}


class Picture:
    def __init__(self, path):
        self.path = path


def thumbnail(path):
    if path not in THUMBNAILS:
        THUMBNAILS[path] = Picture(path)
    return THUMBNAILS[path]


def annotate(picture, text):
    NOTES[picture] = text


class Invoice:
    def __init__(self, prices):
        self.prices = prices

    @functools.lru_cache
    def total(self, discount):
        return sum(self.prices) * (100 - discount) / 100


def test_unused_thumbnail_is_freed(assert_collected):
    assert_collected(thumbnail("cat.png"))


def test_annotated_picture_is_freed(assert_collected):
    picture = assert_collected(Picture("dog.png"))
    annotate(picture, "Rex")


def test_invoice_is_freed(assert_collected):
    invoice = Invoice([10, 20])
    assert_collected(invoice)

    assert invoice.total(50) == 15
