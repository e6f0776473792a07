"""All instances of a class, wherever the code under test makes them."""

import pytest

UNDO = []


class Snapshot:
    def __init__(self, text):
        self.text = text


class Document:
    def __init__(self, text):
        self.text = text

    def edit(self, text):
        UNDO.append(Snapshot(self.text))
        self.text = text


@pytest.mark.no_leak(instances_of=[Document, Snapshot])
def test_edit():
    document = Document("draft")

    document.edit("final")

    assert document.text == "final"


def test_edit_again(assert_collected):
    document = Document("draft")
    assert_collected.instances_of(Snapshot)

    document.edit("final")

    assert document.text == "final"
