"""What pytest itself keeps of a test is never blamed on it."""


def test_what_pytest_keeps_for_the_session_is_no_leak(suite):
    """The cycle of an ExceptionInfo, recorded warnings, log records and what hangs on the item all pass."""
    result = suite.run(
        """
        import logging
        import warnings

        class Loud(UserWarning):
            def __init__(self, thing):
                super().__init__("loud")
                self.thing = thing

        def fail(thing):
            raise ValueError(thing)

        def test_raises_as_info(assert_collected):
            thing = assert_collected(Thing())
            with pytest.raises(ValueError) as info:
                fail(thing)
            assert info.value.args[0] is thing

        def test_warning_with_the_object(assert_collected):
            warnings.warn(Loud(assert_collected(Thing())))

        def test_warning_with_a_source(assert_collected):
            warnings.warn("unclosed", ResourceWarning, source=assert_collected(Thing()))

        def test_warns_as_record(assert_collected):
            with pytest.warns(UserWarning) as record:
                warnings.warn(Loud(assert_collected(Thing())))

        def test_log_record(assert_collected):
            thing = assert_collected(Thing())
            logging.getLogger("shop").error("%r", thing)
            try:
                fail(thing)
            except ValueError:
                logging.exception("failed")

        def test_log_record_in_a_fixture(request, assert_collected):
            thing = assert_collected(Thing())
            request.addfinalizer(lambda: logging.warning("%r", thing))

        def test_item(request, assert_collected):
            request.node.thing = assert_collected(Thing())

        @pytest.mark.parametrize("things", [[]])
        def test_parameter(things, assert_collected):
            things.append(assert_collected(Thing()))

        class TestThings:
            def test_self(self, assert_collected):
                self.thing = assert_collected(Thing())
                self.itself = self.again = [self]
        """,
        "-Walways",
        "-v",
        "--log-level=INFO",
    )

    result.assert_outcomes(passed=9, warnings=2)
    result.stdout.fnmatch_lines(["leakcheck: set aside, held by pytest's own state: test_it.py::*: test_it.Thing"])


def test_a_failure_before_holds_nothing_against_the_next_test(suite):
    """sys.last_value, and what a plugin keeps of a failure, is not the next test's."""
    result = suite.run(
        """
        def test_fails():
            thing = Thing()
            KEPT.append(__import__("weakref").ref(thing))
            assert thing is None

        def test_registers_what_failed(assert_collected):
            thing = KEPT[0]()
            if thing is not None:
                assert_collected(thing)

        @pytest.mark.no_leak(instances_of=Thing)
        def test_next(): Thing()
        """,
        "--leakcheck",
    )

    result.assert_outcomes(failed=1, passed=2)


def test_log_records_are_let_go_and_not_only_set_aside(suite):
    """What was logged dies with the test, whichever handler of pytest's has the record."""
    result = suite.run(
        """
        import logging

        def test_it(assert_collected, caplog):
            thing = assert_collected(Thing())
            logging.warning("%r", thing)
            assert caplog.records
        """,
        "-v",
    )

    result.assert_outcomes(passed=1)
    assert not suite.lines_of(result, "set aside")


def test_what_the_user_keeps_is_still_a_leak_beside_it(suite):
    """An object that pytest and a module hold is told of by its module."""
    result = suite.run(
        """
        import logging

        class TestThings:
            def test_it(self, assert_collected):
                self.thing = keep(assert_collected(Thing()))
                logging.warning("%r", self.thing)
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  test_it  module *GC root", "    .KEPT *"])


def test_log_records_stay_readable_for_the_report(suite):
    """Letting go of records before the verdict takes nothing from the captured log of a failure."""
    result = suite.run(
        """
        import logging

        @pytest.fixture
        def logs(caplog):
            yield
            assert [record.getMessage() for record in caplog.get_records("call")] == ["in the test"]
            logging.warning("in the teardown")

        def test_it(assert_collected, logs):
            logging.warning("in the test")
            assert_collected(keep(Thing()))
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- Captured log call -*", "WARNING * in the test", "*- Captured log teardown -*", "WARNING * in the teardown"]
    )


def test_nothing_of_ours_keeps_an_object_alive(suite):
    """After a pass, a leak that is mended later, a crash of the test and a refusal, a collection frees all."""
    result = suite.run(
        """
        import gc
        import weakref

        REFS = []

        def note(thing):
            REFS.append(weakref.ref(thing))
            return thing

        def test_passes(assert_collected): assert_collected(note(Thing()))

        @pytest.mark.no_leak(instances_of=Thing)
        def test_leaks(assert_collected): keep(assert_collected(note(Thing()), note(Thing())))

        def test_leaks_mid_test(assert_collected):
            with pytest.raises(AssertionError):
                thing = assert_collected(note(Thing()))
                assert_collected.now()

        def test_late(request): keep(request.getfixturevalue("assert_collected")(note(Thing())))

        @pytest.mark.xfail
        def test_fails(assert_collected):
            thing = assert_collected(note(Thing()))
            assert 0

        def test_refused(assert_collected):
            thing = note(Thing())
            with pytest.raises(TypeError):
                assert_collected(thing, 1)

        def test_all_die():
            KEPT.clear()
            gc.collect()
            assert [ref() for ref in REFS] == [None] * 7
        """,
        "--leakcheck",
        "-l",
    )

    result.assert_outcomes(passed=4, failed=2, xfailed=1)


def test_what_an_error_in_a_finalizer_holds_is_let_go_in_time(suite):
    """Pytest keeps the error until the phase ends that it was raised in."""
    result = suite.run(
        """
        class Loud:
            def __init__(self, thing):
                self.thing = thing

            def __del__(self):
                raise ValueError(self.thing)

        @pytest.fixture
        def server(assert_collected):
            yield
            Loud(assert_collected(Thing()))

        def test_it(server): pass
        """,
        "-v",
        "-W",
        "ignore",
    )

    result.assert_outcomes(passed=1)


def test_what_other_plugins_put_on_an_item_is_no_reason_to_run_its_test_again(suite):
    """It lives as long as pytest has the item; what something else has as well is the test's."""
    result = suite.run(
        """
        MINE = pytest.StashKey()
        NUMBERS = []

        @pytest.fixture(autouse=True)
        def carried(request):
            request.node.mine, request.node.stash[MINE] = Thing(), Thing()
            request.node.mine.part = Thing()

        def test_passes(): NUMBERS.append(1)

        def test_keeps(request): keep(request.node.mine.part)

        def test_once(): assert len(NUMBERS) == 1
        """,
        "--leakcheck",
    )

    result.assert_outcomes(passed=2, failed=1)
    assert suite.lines_of(result, ".KEPT  list, ")


def test_what_a_module_keeps_that_pytest_alone_still_has_is_the_users(suite):
    """As where a test takes its own module out of sys.modules: its globals are no state of pytest's."""
    result = suite.run(
        """
        import sys

        def test_purges(): sys.modules.pop(__name__)
        def test_first(): KEPT.append(Thing())
        def test_second(): KEPT.append(Thing())
        def test_asked_for(assert_collected): KEPT.append(assert_collected(Thing()))
        """,
        "--leakcheck",
    )

    result.assert_outcomes(passed=1, failed=3)
    assert suite.lines_of(result, "module, which sys.modules has no more", "GC root")
