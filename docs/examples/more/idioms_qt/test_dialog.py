"""A dialog goes once it is closed, its deferred delete done."""

import gc
import weakref

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog


@pytest.fixture(scope="session", autouse=True)
def application():
    return QApplication.instance() or QApplication([])


def test_dialog_before(application):
    dialog = QDialog()
    reference = weakref.ref(dialog)

    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    dialog.close()

    del dialog
    for _ in range(3):
        application.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
    assert reference() is None


def test_dialog_after(assert_collected):
    dialog = assert_collected(QDialog())

    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    dialog.close()
