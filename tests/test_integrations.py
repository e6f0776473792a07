"""What is known of other libraries, on the libraries themselves."""

import importlib.metadata
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples" / "more"

QT = ["PySide6", "PyQt6"]


@pytest.fixture
def libraries(suite, monkeypatch):
    """Return a suite in surroundings where libraries draw nothing on a screen."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return suite


def needs(*names):
    """Skip where one of these is not installed."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed here: make integrations")


def has(result, *words):
    """Tell whether the output has `words` one after the other, wherever its lines end."""
    return " ".join(words) in " ".join(result.stdout.str().split())


CANCELLED = """
import asyncio

TASKS = []

async def serve(order):
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)

@pytest.mark.asyncio(loop_scope="session")
async def test_cancels(assert_collected):
    task = asyncio.get_running_loop().create_task(serve(assert_collected(Thing())))
    TASKS.append(task)
    await asyncio.sleep(0)
    task.cancel()
    task.add_done_callback(TASKS.remove)
"""


@pytest.mark.skipif(pytest.version_tuple < (8, 2), reason="pytest-asyncio knows loop_scope for pytest 8.2 and newer")
@pytest.mark.parametrize(("arguments", "outcome"), [([], "passed"), (["-p", "no:leakcheck-asyncio"], "failed")])
def test_asyncio_ends_cancelled_tasks(libraries, arguments, outcome):
    """A loop that stands still between tests does first what it would do next."""
    result = libraries.run(CANCELLED, *arguments, uses="asyncio")

    result.assert_outcomes(**{outcome: 1})


def test_asyncio_runs_nothing_else(libraries):
    """What no test would have run, as the loop never runs again, is not run by the check either."""
    result = libraries.run(
        """
        import asyncio

        LOOPS, CALLED = [], []

        class Thing:
            def call(self):
                CALLED.append(1)

        def test_starts():
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            LOOPS.append(loop)
            loop.call_soon(Thing().call)

        def test_runs_nothing():
            assert not CALLED
        """,
        "--leakcheck",
    )

    result.assert_outcomes(passed=1, failed=1)
    assert libraries.lines_of(result, "LEAKED test_it.py::test_starts - ")


GENERATOR = """
import asyncio

LOOP = asyncio.new_event_loop()

async def numbers(order):
    yield order

async def looks_at_one(order):
    async for _ in numbers(order):
        break

def test_leaves(assert_collected):
    asyncio.set_event_loop(LOOP)
    LOOP.run_until_complete(looks_at_one(assert_collected(Thing())))
    LOOP.call_soon(print).cancel()
"""


@pytest.mark.parametrize(("arguments", "outcome"), [([], "passed"), (["-p", "no:leakcheck-asyncio"], "failed")])
def test_asyncio_closes_generators(libraries, arguments, outcome):
    """An async generator that was left amid a loop, which the loop has begun to close, holds nothing.

    Nor is it for a cancelled call beside that it is not ended.
    """
    result = libraries.run(GENERATOR, *arguments)

    result.assert_outcomes(**{outcome: 1})


def test_asyncio_makes_no_loop(libraries):
    """The question whether one is set is no reason for one, and none that runs is touched."""
    result = libraries.run(
        """
        import asyncio

        LOOP = asyncio.new_event_loop()

        def test_keeps(assert_collected):
            keep(assert_collected(Thing()))

        def test_no_loop():
            assert asyncio.events._event_loop_policy._local._loop is None

        async def judged_within(assert_collected):
            asyncio.get_running_loop().call_soon(KEPT.clear)
            keep(assert_collected(Thing()))
            with pytest.raises(AssertionError):
                assert_collected.now()

        def test_running(assert_collected):
            asyncio.set_event_loop(LOOP)
            LOOP.run_until_complete(judged_within(assert_collected))

        def test_closed(assert_collected):
            LOOP.close()
            keep(assert_collected(Thing()))
        """
    )

    result.assert_outcomes(passed=2, failed=2)
    assert not libraries.lines_of(result, "raised")


def test_asyncio_words(libraries):
    """Tasks have their names and states, handles what they call, and loops whether they are closed."""
    result = libraries.run(
        """
        import asyncio

        LOOP = asyncio.new_event_loop()

        async def fetch(thing):
            await asyncio.Event().wait()

        async def done(thing):
            return thing

        @pytest.fixture
        def loop():
            loop = asyncio.new_event_loop()
            yield loop
            loop.call_soon(loop.stop)
            loop.run_forever()
            loop.close()

        def test_pending(assert_collected, loop):
            keep(loop.create_task(fetch(assert_collected(Thing())), name="fetch"))

        def test_done(assert_collected):
            keep(task := LOOP.create_task(done(assert_collected(Thing())), name="done"))
            LOOP.run_until_complete(task)

        def test_soon(assert_collected):
            LOOP.call_soon(print, assert_collected(Thing()))

        def test_later(assert_collected):
            keep(LOOP.call_later(3600, print, assert_collected(Thing())))

        def test_loop(assert_collected, loop):
            loop.thing = assert_collected(Thing())
            keep(loop)
        """
    )

    result.assert_outcomes(failed=5)
    assert has(result, "Task, 'fetch', pending, its loop is closed suspect ._coro coroutine fetch")
    assert has(result, "Task, 'done', done suspect ._result Thing LEAKED")
    assert has(result, "test_it module GC root .LOOP", "_UnixSelectorEventLoop, not running ._ready deque, 1 item")
    assert has(result, "Handle, calls built-in method print suspect ._args")
    assert has(result, "_UnixSelectorEventLoop, closed suspect .thing Thing LEAKED")


def test_asyncio_words_for_what_is_left_of_a_handle(libraries):
    """A cancelled handle calls nothing any more, and a task of a loop that stands still is pending."""
    result = libraries.run(
        """
        import asyncio

        LOOP = asyncio.new_event_loop()

        async def fetch(thing):
            await asyncio.Event().wait()

        def test_cancelled(assert_collected):
            handle = LOOP.call_later(3600, print)
            handle.cancel()
            assert_collected(handle)
            keep(handle)

        def test_pending(assert_collected):
            keep(assert_collected(LOOP.create_task(fetch(1), name="fetch")))
            LOOP.call_soon(LOOP.stop)
            LOOP.run_forever()
        """
    )

    result.assert_outcomes(failed=2)
    assert has(result, "TimerHandle, cancelled")
    assert has(result, "Task, 'fetch', pending, keeps")


def test_mocks_have_their_names(libraries):
    """Which of many mocks keeps an argument is told by the name that it goes by, and how it was called by the chain."""
    result = libraries.run(
        """
        from unittest.mock import MagicMock, Mock

        CLIENT, OTHER = MagicMock(name="client"), Mock()

        def test_argument(assert_collected):
            CLIENT.orders.post(1, order=assert_collected(Thing()))
            CLIENT.mock_calls.clear()
            CLIENT.method_calls.clear()
            CLIENT.orders.mock_calls.clear()
            CLIENT.orders.method_calls.clear()

        def test_side_effect(assert_collected):
            OTHER.send.side_effect = assert_collected(Thing()).__init__
        """
    )

    result.assert_outcomes(failed=2)
    assert has(result, ".CLIENT MagicMock, named 'client' .children dict")
    assert has(result, "['orders'] MagicMock, named 'client.orders' suspect")
    assert has(result, "['post'] MagicMock, named 'client.orders.post' suspect")
    assert has(result, "['order'] Thing LEAKED")
    assert has(result, ".OTHER Mock .children")
    assert has(result, "A mock keeps the arguments of all its calls")


def test_logging_names_records_and_handlers(libraries):
    """A handler is told by its logger, and a record that one collects by the list that it is in."""
    result = libraries.run(
        """
        import logging
        from logging.handlers import MemoryHandler

        SHOP = logging.getLogger("shop")
        SHOP.addHandler(BUFFER := MemoryHandler(100, flushLevel=60))

        class Window(logging.Handler):
            def emit(self, record):
                self.latest = record

        def test_record(assert_collected):
            SHOP.error("no %s", assert_collected(Thing()))

        def test_handler(assert_collected):
            SHOP.addHandler(assert_collected(Window()))
        """
    )

    result.assert_outcomes(failed=2)
    assert has(
        result, ".buffer list, 1 item suspect [0] LogRecord suspect .args tuple, 1 item suspect [0] Thing LEAKED"
    )
    assert has(result, "logging.getLogger('shop') logger GC root .handlers list, 2 items [1] Window, keeps")


def test_executors_are_told_by_thread_and_queue(libraries):
    """What a worker is at holds its arguments, and so does what waits for one."""
    result = libraries.run(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor

        POOL = ThreadPoolExecutor(1, thread_name_prefix="shop")
        HALT, BUSY = threading.Event(), threading.Event()

        def work(thing):
            BUSY.set()
            HALT.wait(60)

        def test_running(assert_collected):
            POOL.submit(work, assert_collected(Thing()))
            BUSY.wait(60)

        def test_waiting(assert_collected):
            POOL.submit(print, assert_collected(Thing()))

        def test_done(assert_collected):
            HALT.set()
            POOL.submit(print, assert_collected(Thing())).result()

        def teardown_module():
            HALT.set()
        """,
        *("-o", "leakcheck_within=0.2"),
    )

    result.assert_outcomes(failed=2, passed=1)
    assert has(result, "thread 'shop_0' thread GC root local 'thing' of work (suite/test_it.py:24) Thing LEAKED")
    assert has(result, "._work_queue SimpleQueue suspect")
    where = ".args" if sys.version_info < (3, 14) else ".task tuple, 3 items suspect [1]"
    assert has(result, f"_WorkItem suspect {where} tuple, 1 item suspect [0] Thing LEAKED")


MODELS = """
import sqlalchemy as sa
from sqlalchemy import orm


class Base(orm.DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(default="")


ENGINE = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
Base.metadata.create_all(ENGINE)
SESSION = orm.Session(ENGINE, expire_on_commit=False)
CURRENT = orm.scoped_session(orm.sessionmaker(ENGINE))
"""


def test_sqlalchemy_tells_what_a_session_holds(libraries):
    """Its identity map is weak; new, changed and deleted objects wait in it for a flush."""
    needs("sqlalchemy")
    libraries.write(models=MODELS)

    result = libraries.run(
        """
        from models import CURRENT, ENGINE, SESSION, User

        def saved(user):
            SESSION.rollback()
            SESSION.add(user)
            SESSION.commit()
            return user

        def test_saved(assert_collected):
            assert_collected(saved(User()))

        def test_new(assert_collected):
            SESSION.add(assert_collected(User()))

        def test_changed(assert_collected):
            assert_collected(saved(User())).name = "new"

        def test_deleted(assert_collected):
            SESSION.delete(assert_collected(saved(User())))

        def test_scoped(assert_collected):
            assert_collected(CURRENT())

        def test_connection_goes_back_to_its_pool(assert_collected):
            with ENGINE.connect() as connection:
                assert_collected(connection)
        """
    )

    result.assert_outcomes(passed=2, failed=4)
    assert has(result, ".SESSION Session ._new dict, 1 item suspect [<InstanceState>] User")
    is_old = importlib.metadata.version("sqlalchemy").startswith("2.0.")  # the newest one for Python 3.10
    kind = "WeakInstanceDict" if is_old else "_WeakInstanceDict"
    assert has(result, f".identity_map {kind} suspect")
    assert has(result, "._strong_obj User")
    assert has(result, "._deleted dict, 1 item suspect [<InstanceState>] User")
    assert has(result, ".CURRENT scoped_session .registry ThreadLocalRegistry suspect .registry _local suspect .value")


def test_matplotlib_tells_how_to_close_a_figure(libraries):
    """What pyplot keeps is told with the call that ends it."""
    needs("matplotlib")

    result = libraries.run(
        """
        import matplotlib.pyplot as plt

        def test_open(assert_collected):
            assert_collected(plt.figure())

        def test_closed(assert_collected):
            figure, axes = plt.subplots()
            axes.plot([1, 2])
            figure.canvas.draw()
            plt.close(assert_collected(figure))
        """
    )

    result.assert_outcomes(passed=1, failed=1)
    assert has(result, "matplotlib._pylab_helpers.Gcf class attribute GC root .figs OrderedDict, 1 item [1]")
    assert has(result, "FigureManagerBase, there until")
    assert has(result, "plt.close(1) .canvas FigureCanvasAgg")


TOOLKIT = """
import pytest
from {binding} import QtCore, QtWidgets

APP = QtWidgets.QApplication([])
BUTTON = QtWidgets.QPushButton("go")
KEPT = []


def keep(thing):
    KEPT.append(thing)
    return thing


class Window(QtWidgets.QWidget):
    def __init__(self, parent=None):
        super().__init__(parent)
        self.setObjectName("login")
        self.panel = QtWidgets.QWidget(self)
        self.field = QtWidgets.QLineEdit(self.panel)

    def redraw(self):
        return None

"""


@pytest.fixture(params=QT)
def qt(libraries, request):
    """Return a way to run tests of windows that are made with PySide or PyQt."""
    needs(request.param)
    return lambda source, *arguments: libraries.run(source, *arguments, prelude=TOOLKIT.format(binding=request.param))


@pytest.mark.parametrize(("arguments", "outcome"), [([], "passed"), (["-p", "no:leakcheck-qt"], "failed")])
def test_qt_processes_events(qt, arguments, outcome):
    """What is queued comes to pass before the verdict; without the integration it would not."""
    result = qt(
        """
        def test_queued(assert_collected):
            window = assert_collected(Window())
            QtCore.QTimer.singleShot(0, lambda: window.redraw())
        """,
        *arguments,
    )

    result.assert_outcomes(**{outcome: 1})


def test_qt_deletes_what_was_deferred(qt):
    """`deleteLater` comes true before the verdict, whoever the parent is."""
    result = qt(
        """
        def test_delete_later(assert_collected):
            assert_collected(Window()).deleteLater()

        def test_delete_child_later(assert_collected):
            assert_collected(Window(keep(QtWidgets.QWidget()))).deleteLater()
        """
    )

    result.assert_outcomes(passed=2)


def test_qt_watches_children(qt):
    """A window's widgets must go with it, at all depths."""
    result = qt(
        """
        def test_field(assert_collected):
            keep(assert_collected(Window()).field)

        def test_object(assert_collected):
            parent = QtCore.QObject()
            keep(QtCore.QTimer(parent))
            assert_collected(parent)
        """
    )

    result.assert_outcomes(failed=2)
    assert has(result, "QtWidgets.QLineEdit registered suite/test_it.py:27, part of a Window")
    assert has(result, "QtCore.QTimer registered suite/test_it.py:32, part of a QObject")
    assert has(result, "QLineEdit, its C++ object is deleted")


def test_qt_words(qt):
    """A widget has its name and its parent, and a wrapper says that there is nothing left to wrap."""
    result = qt(
        """
        def test_child(assert_collected):
            assert_collected(Window(keep(QtWidgets.QWidget())))

        def test_plain(assert_collected):
            keep(assert_collected(QtCore.QObject()))

        def test_deleted(assert_collected):
            window = keep(assert_collected(Window()))
            window.deleteLater()

        def test_deleted_before(assert_collected):
            window = keep(Window())
            window.deleteLater()
            APP.sendPostedEvents(None, 52)
            assert_collected(window)
        """
    )

    result.assert_outcomes(failed=4)
    assert has(result, "Window, named 'login', child of a QWidget")
    assert has(result, "[1] QObject")
    assert len(result.stdout.str().split("its C++ object")) >= 3


def test_qt_signals(qt):
    """A bound method is held weakly; a function is held by C++ code, in sight or not, and its variables are told."""
    result = qt(
        """
        def test_method(assert_collected):
            BUTTON.clicked.connect(assert_collected(Window()).redraw)

        def test_lambda(assert_collected):
            window = assert_collected(Window())
            BUTTON.clicked.connect(lambda: window.redraw())
        """
    )

    result.assert_outcomes(passed=1, failed=1)
    assert has(result, "function test_lambda.<lambda> suspect")
    assert has(result, "closure variable 'window' of test_lambda.<lambda>")


def test_qt_without_an_application(libraries):
    """Where the library is only imported, there is nothing to process."""
    needs("PySide6")

    result = libraries.run(
        "from PySide6 import QtCore\n\n\ndef test_keeps(assert_collected):\n    keep(assert_collected(Thing()))\n"
    )

    result.assert_outcomes(failed=1)
    assert not libraries.lines_of(result, "raised")


def test_qt_idiom(libraries):
    """What the pages show of Qt runs, as it was written by hand and as one line."""
    needs("PySide6")
    shutil.copy(EXAMPLES / "idioms_qt" / "test_dialog.py", libraries.path)

    result = libraries.run()

    result.assert_outcomes(passed=2)


def test_qt_idiom_tells_a_leak(libraries):
    """Neither form misses a dialog that something holds."""
    needs("PySide6")
    source = (EXAMPLES / "idioms_qt" / "test_dialog.py").read_text("utf-8")

    result = libraries.run(source.replace("    dialog.show()", "    keep(dialog).show()"))

    result.assert_outcomes(failed=2)
