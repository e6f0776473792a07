"""Caches that forget what nobody else uses."""

import functools
import weakref

THUMBNAILS = weakref.WeakValueDictionary()
NOTES = weakref.WeakKeyDictionary()


class Picture:
    def __init__(self, path):
        self.path = path


def thumbnail(path):
    picture = THUMBNAILS.get(path)
    if picture is None:
        picture = THUMBNAILS[path] = Picture(path)
    return picture


def annotate(picture, text):
    NOTES[picture] = text


@functools.lru_cache
def total(prices, discount):
    return sum(prices) * (100 - discount) / 100


class Invoice:
    def __init__(self, prices):
        self.prices = prices

    def total(self, discount):
        return total(tuple(self.prices), discount)


def test_unused_thumbnail_is_freed(assert_collected):
    assert_collected(thumbnail("cat.png"))


def test_annotated_picture_is_freed(assert_collected):
    picture = assert_collected(Picture("dog.png"))
    annotate(picture, "Rex")


def test_invoice_is_freed(assert_collected):
    invoice = Invoice([10, 20])
    assert_collected(invoice)

    assert invoice.total(50) == 15
