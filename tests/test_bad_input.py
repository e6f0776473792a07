"""Wrong markers, options and registrations are told in one clear line, never with a traceback of ours."""

import sys

import pytest

SHOP = """
class Session:
    def __init__(self, user=None):
        pass

class Raises:
    def __init__(self, user):
        user.name

class Plain:
    pass

class Strict:
    def __init__(self):
        pass

class Pair(tuple):
    __slots__ = ()

class Slotted:
    __slots__ = ("a",)

class Hollow:
    __slots__ = ()

class Liar:
    @property
    def __class__(self):
        raise RuntimeError

class Text(str):
    def strip(self):
        raise RuntimeError

def make_session(*arguments):
    return "a session"

def make_nothing():
    pass

def make_from(user):
    return user.name

number = 3
"""


def vanished(name, what, right):
    return (
        f"{name} is not collected: pytest takes @pytest.mark.no_leak({what}) for decorating {what}, and then calls "
        f"{what} with the test. Write @pytest.mark.no_leak(instances_of={right})"
    )


WRONG_MARKERS = {
    "a class": (
        "@pytest.mark.no_leak(shop.Session)\ndef test_it(): pass",
        vanished("test_it.py: test_it", "Session", "Session"),
    ),
    "a class that takes no arguments": (
        "@pytest.mark.no_leak(shop.Strict)\ndef test_it(): pass",
        vanished("test_it.py: a test", "Strict", "Strict"),
    ),
    "a class without a constructor": (
        "@pytest.mark.no_leak(shop.Plain)\ndef test_it(): pass",
        vanished("test_it.py: a test", "Plain", "Plain"),
    ),
    "a class whose constructor wants something else": (
        "@pytest.mark.no_leak(shop.Raises)\ndef test_it(): pass",
        vanished("test_it.py: a test", "Raises", "Raises"),
    ),
    "a class in a class": (
        "class TestThings:\n    @pytest.mark.no_leak(shop.Session)\n    def test_it(self): pass",
        vanished("test_it.py::TestThings: test_it", "Session", "Session"),
    ),
    "a class on a class": (
        "@pytest.mark.no_leak(shop.Session)\nclass TestThings:\n    def test_it(self): pass",
        vanished("test_it.py: TestThings", "Session", "Session"),
    ),
    "a class for the module": (
        "pytestmark = pytest.mark.no_leak(shop.Session)\ndef test_it(): pass",
        vanished("test_it.py: pytestmark", "Session", "Session"),
    ),
    "a function": (
        "@pytest.mark.no_leak(shop.make_session)\ndef test_it(): pass",
        vanished("test_it.py: test_it", "make_session", "TheClass"),
    ),
    "a function that takes no arguments": (
        "from shop import make_nothing\n@pytest.mark.no_leak(make_nothing)\ndef test_it(): pass",
        vanished("test_it.py: a test", "make_nothing", "TheClass"),
    ),
    "a function that wants something else": (
        "from shop import make_from\n@pytest.mark.no_leak(make_from)\ndef test_it(): pass",
        vanished("test_it.py: a test", "make_from", "TheClass"),
    ),
    "a string": (
        "@pytest.mark.no_leak('shop.Session')\ndef test_it(): pass",
        "no_leak takes keywords only: write @pytest.mark.no_leak(instances_of='my.Session')",
    ),
    "several classes": (
        "@pytest.mark.no_leak(shop.Session, shop.Strict)\ndef test_it(): pass",
        "no_leak takes keywords only: write @pytest.mark.no_leak(instances_of=[Session, Strict])",
    ),
    "an unknown keyword": (
        "@pytest.mark.no_leak(instance_of=shop.Session)\ndef test_it(): pass",
        "no_leak has no keyword 'instance_of'; it takes instances_of, by_refcount, within, repeat, isolated",
    ),
    "a repeat that is no choice": (
        "@pytest.mark.no_leak(repeat=3)\ndef test_it(): pass",
        "no_leak: repeat is True or False, not 3",
    ),
    "a choice that is hostile": (
        "@pytest.mark.no_leak(repeat=shop.Liar())\ndef test_it(): pass",
        "no_leak: repeat is True or False, not <Liar>",
    ),
    "a reason that is hostile": (
        "@(lambda mark: mark)(pytest.mark.skip_leakcheck.with_args(shop.Liar()))\ndef test_it(): pass",
        'skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")',
    ),
    "an empty reason that is hostile": (
        "@pytest.mark.skip_leakcheck(shop.Text())\ndef test_it(): pass",
        'skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")',
    ),
    "no class": (
        "@pytest.mark.no_leak(instances_of=3)\ndef test_it(): pass",
        "instances_of takes a class, a dotted name with *, or a list of them, not 3 (a int object)",
    ),
    "nothing": (
        "@pytest.mark.no_leak(instances_of=[])\ndef test_it(): pass",
        "instances_of is empty: name a class, or leave it out to watch this project's own classes",
    ),
    "a name without its module": (
        "@pytest.mark.no_leak(instances_of='Session')\ndef test_it(): pass",
        "instances_of: 'Session' is no dotted name; write the module too: 'shop.cart.Session'",
    ),
    "a name that its module lacks": (
        "@pytest.mark.no_leak(instances_of=['shop.Session', 'shop.Sesion'])\ndef test_it(): pass",
        "instances_of: the module MODULE has no Sesion (in 'my.Sesion')",
    ),
    "a name of a function": (
        "@pytest.mark.no_leak(instances_of='shop.make_session')\ndef test_it(): pass",
        "instances_of: 'my.make_session' is not a class but a function",
    ),
    "a name of a module": (
        "@pytest.mark.no_leak(instances_of='os.path')\ndef test_it(): pass",
        "instances_of: 'os.path' is a module; write 'os.path.*' for all of its classes",
    ),
    "a class with slots": (
        "@pytest.mark.no_leak(instances_of=shop.Slotted)\ndef test_it(): pass",
        (
            "instances_of: weak references to Slotted objects are not possible: Slotted has __slots__ "
            'without "__weakref__". Add "__weakref__" to its __slots__.'
        ),
    ),
    "a tuple's class": (
        "@pytest.mark.no_leak(instances_of='shop.Pair')\ndef test_it(): pass",
        (
            "instances_of: weak references to Pair objects are not possible: Python gives Pair no room "
            "for one. Register the object that holds it, or wrap it: pytest_leakcheck.patterns.weakable(value)."
        ),
    ),
    "no reason": (
        "@pytest.mark.skip_leakcheck\ndef test_it(): pass",
        ('skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")'),
    ),
    "an empty reason": (
        "@pytest.mark.skip_leakcheck(reason=' ')\ndef test_it(): pass",
        ('skip_leakcheck needs a reason, one string: @pytest.mark.skip_leakcheck("why this test may leak")'),
    ),
    "one for many tests": (
        (
            "class TestThings:\n    pytestmark = pytest.mark.no_leak(instances_of=3)\n    def test_1(self): pass\n"
            "    @pytest.mark.parametrize('n', range(3))\n    def test_2(self, n): pass"
        ),
        (
            "test_it.py::TestThings::test_1 and 3 more: instances_of takes a class, a dotted name with *, or a list of "
            "them, not 3 (a int object)"
        ),
    ),
}

if sys.implementation.name == "pypy":  # where their objects can be weakly referenced: no mistakes
    for name in [name for name, (source, _) in WRONG_MARKERS.items() if "Slotted" in source or "Pair" in source]:
        del WRONG_MARKERS[name]


@pytest.mark.parametrize("options", [[], ["-n2"]], ids=["one process", "xdist"])
def test_a_wrong_marker_is_an_error_of_collection_that_says_how_to_mend_it(suite, options):
    """Each mistake is told in full, the same with and without xdist, and no test runs."""
    expected = []
    for number, (source, text) in enumerate(WRONG_MARKERS.values()):
        # A wrong marker marks the class for all that come after: each file has a shop of its own.
        (suite.path / f"shop{number}.py").write_text(SHOP)
        own_shop = source.replace("shop.", f"shop{number}.").replace("from shop", f"from shop{number}")
        (suite.path / f"test_{number}.py").write_text(f"import pytest\nimport shop{number}\n{own_shop}\n")
        told = text if text.startswith("test_it.py") else f"test_it.py::test_it: {text}"
        told = told.replace("test_it.py", f"test_{number}.py").replace("MODULE", f"shop{number}")
        expected.append(told.replace("my.", f"shop{number}."))

    result = suite.run("", *options, uses="xdist")

    told = set(result.outlines)
    assert [text for text in expected if text not in told] == []
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    assert result.parseoutcomes().keys() <= {"errors", "error"}
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_right_markers_collect_beside_classes_that_look_wrong(suite):
    """A marked test class, a base class with empty slots, a table, and an import error are left as they are."""
    suite.write(shop=SHOP)
    suite.write(
        test_table="""
        import pytest

        test_table = [1, 2]

        @pytest.mark.no_leak
        def test_marked(): pass
        """
    )
    suite.write(
        test_broken="""
        import pytest

        @pytest.mark.no_leak
        class Check: pass

        import shop
        shop.Strict(1)
        """
    )
    result = suite.run(
        """
        import shop

        @pytest.mark.no_leak(instances_of=shop.Hollow)
        class TestThings:
            def test_it(self): pass

        @pytest.mark.no_leak
        def helper(): pass

        test_data = helper
        """,
        "--continue-on-collection-errors",
    )

    assert result.parseoutcomes()["errors"] == 1
    assert result.parseoutcomes()["passed"] >= 1
    result.stdout.fnmatch_lines(["E   TypeError: Strict.__init__() takes 1 positional argument but 2 were given"])
    assert not suite.lines_of(result, "not collected")


def test_a_module_that_another_plugin_refuses_is_left_to_it(suite):
    """It has no error of which to tell whether a marker is at fault."""
    suite.write(
        conftest="""
        import pytest

        @pytest.hookimpl(wrapper=True, trylast=True)
        def pytest_make_collect_report(collector):
            report = yield
            if isinstance(collector, pytest.Module):
                report.outcome, report.longrepr = "failed", "not on Sundays"
            return report
        """
    )
    result = suite.run("@pytest.mark.no_leak('shop.Session')\ndef test_it(): pass\n")

    result.assert_outcomes(errors=1)
    assert "not on Sundays" in result.outlines
    assert not suite.lines_of(result, "no_leak")


def test_what_counts_as_a_test_is_as_the_ini_file_says(suite):
    """A table beside a test of another name is no test that a marker took away."""
    suite.write(
        test_it="""
    import pytest
    check_table = {1: 2}

    @pytest.mark.no_leak
    def check_one(): assert check_table
    """
    )
    result = suite.run("", "-opython_functions=check_*")

    result.assert_outcomes(passed=1)


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["-oleakcheck_within=abc"], "leakcheck_within: 'abc' is not a number of seconds (0, 0.5, 10)"),
            (["-oleakcheck_within=-1"], "leakcheck_within: '-1' is not a number of seconds (0, 0.5, 10)"),
            (["-oleakcheck_within=inf"], "leakcheck_within: 'inf' is not a number of seconds (0, 0.5, 10)"),
            (
                ["-oleakcheck_packages=shop my-shop"],
                "leakcheck_packages: 'my-shop' is not a dotted package name (shop, shop.cart)",
            ),
            (["--leakcheck-repeat=few"], "--leakcheck-repeat: 'few' is not a number of times (0, 1, 2)"),
            (["-oleakcheck_repeat=inf"], "leakcheck_repeat: 'inf' is not a number of times (0, 1, 2)"),
            (["-oleakcheck_search_limit=abc"], "leakcheck_search_limit: 'abc' is not a number of seconds (0, 0.5, 10)"),
            (
                ["-oleakcheck_watch=Cart"],
                "leakcheck_watch: 'Cart' is not the dotted name of a class (shop.cart.Cart)",
            ),
            (
                ["-oleakcheck_ignore=shop.KEPT by design"],
                (
                    "leakcheck_ignore: 'shop.KEPT by design' is not a dotted name with a reason "
                    "(shop.registry.LISTENERS  # by design)"
                ),
            ),
            (["-oleakcheck=maybe"], "leakcheck: invalid truth value 'maybe'"),
        ],
    )
    def test_a_wrong_option_is_one_line_at_the_start(self, suite, arguments, text):
        """It is an error of usage, and the whole of what is said."""
        for options in ([], ["-n2"]) if arguments[-1] == "--no-leakcheck" else ([],):
            result = suite.run("def test_it(): pass\n", *arguments, *options, uses="xdist")

            assert result.ret == pytest.ExitCode.USAGE_ERROR
            assert [line.replace("-1.0", "-1") for line in result.errlines if line] == [f"ERROR: {text}"]
            assert not suite.lines_of(result, "passed")

    @pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 9 brought [tool.pytest]")
    @pytest.mark.parametrize(
        ("line", "text"),
        [
            ("leakcheck_within = -1", "leakcheck_within: '-1' is not a number of seconds (0, 0.5, 10)"),
            ("leakcheck_within = 'abc'", "leakcheck_within"),
            ("leakcheck_packages = ['my-shop']", "leakcheck_packages: 'my-shop' is not a dotted package name"),
            ("leakcheck_packages = 'shop'", "leakcheck_packages"),
            ("leakcheck = 3", "leakcheck"),
            *(
                (f'leakcheck_{name} = "a\\u0000b"', f"leakcheck_{name}: 'a\\x00b' can't be the name of a file")
                for name in ("baseline", "json", "graph")
            ),
        ],
    )
    def test_a_wrong_native_value_is_one_line_at_the_start(self, suite, line, text):
        """What pytest itself does not refuse is refused in the same words as elsewhere."""
        (suite.path / "pyproject.toml").write_text(f"[tool.pytest]\n{line}\n")

        result = suite.run("def test_it(): pass\n")

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        (told,) = [line for line in result.errlines if line]
        assert text in told

    def test_a_name_that_no_file_can_have(self, suite):
        """It is told of before any test, not where the file is to be written."""
        (suite.path / "main.py").write_text(
            "import pytest, sys\nsys.exit(pytest.main(['--leakcheck-json=\\ud800', 'test_it.py']))\n"
        )
        suite.write(test_it="def test_it(): pass")

        result = suite.pytester.run(sys.executable, "main.py")

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "ERROR: --leakcheck-json: '\\ud800' can't be the name of a file" in result.errlines


class TestRegistrations:
    def test_what_cannot_be_weakly_referenced_is_refused_with_the_remedy_for_it(self, suite):
        """The error is at the registering line, says why, and differs with the kind of object."""
        suite.write(
            values="""
            import collections, dataclasses, enum, weakref

            class Slotted: __slots__ = ("a",)

            class Heir(Slotted): __slots__ = ()

            @dataclasses.dataclass(slots=True)
            class Data: a: int = 0

            class Thing: pass

            Pair = collections.namedtuple("Pair", "a b")
            thing = Thing()
            VALUES = [
                1, True, b"x", "x", (1, 2), [1], {1: 2}, 1.5, None, object(), range(3),
                Slotted(), Heir(), Data(), Pair(1, 2), weakref.proxy(thing),
            ]
            """
        )
        suite.run(
            """
            import values

            @pytest.mark.parametrize("index", range(len(values.VALUES)))
            def test_it(assert_collected, index):
                with pytest.raises(TypeError) as info:
                    assert_collected(values.VALUES[index])
                with open("texts", "a") as file:
                    file.write(f"{info.value}\\n")
            """
        ).assert_outcomes(passed=16)

        wrap = "or wrap it: pytest_leakcheck.patterns.weakable(value)."
        holder = f"no room for one. Register the object that holds it, {wrap}"
        subclass = "no room for one. Register an instance of a subclass"
        slots = 'has __slots__ without "__weakref__". Add "__weakref__" to its __slots__.'
        reasons = {
            "int": f"Python gives int {holder}",
            "bool": f"Python gives bool {holder}",
            "bytes": f"Python gives bytes {holder}",
            "str": f"Python gives str {subclass} (class MyStr(str): ...), {wrap}",
            "tuple": f"Python gives tuple {holder}",
            "list": f"Python gives list {subclass} (class MyList(list): ...), {wrap}",
            "dict": f"Python gives dict {subclass} (class MyDict(dict): ...), {wrap}",
            "float": f"Python gives float {subclass} (class MyFloat(float): ...), {wrap}",
            "NoneType": "None lives for ever. Did what should have made the object return nothing?",
            "object": "its type, object, leaves no room for one. Register the object that holds it.",
            "range": "its type, range, leaves no room for one. Register the object that holds it.",
            "Slotted": f"Slotted {slots}",
            "Heir": f"Heir {slots}",
            "Data": (
                "it is a dataclass with slots. Declare it @dataclass(slots=True, weakref_slot=True) (Python 3.11), or "
                "leave slots=True out."
            ),
            "Pair": f"Python gives Pair {holder}",
            "ProxyType": "it is a weak proxy itself. Register the object behind it.",
        }
        told = (suite.path / "texts").read_text().splitlines()
        expected = [
            f"assert_collected: a weak reference to a {name} object is not possible: {reason}"
            for name, reason in reasons.items()
        ]
        assert told == expected

    def test_a_refusal_shows_the_registering_line_alone(self, suite):
        """No frame of the plugin is in the traceback, and the test fails of itself: nothing is checked."""
        result = suite.run(
            """
            def test_value(assert_collected):
                assert_collected(Thing(), 3)

            def test_class(assert_collected):
                assert_collected.instances_of(3)

            def test_none(assert_collected):
                assert_collected.instances_of()

            def test_block():
                import pytest_leakcheck
                with pytest_leakcheck.no_leak(instances_of="Thing"):
                    pass
            """
        )

        result.assert_outcomes(failed=4)
        result.stdout.fnmatch_lines(
            [
                ">       assert_collected(Thing(), 3)",
                "E       TypeError: assert_collected: a weak reference to a int object is not possible: *",
                "test_it.py:17: TypeError",
                ">       assert_collected.instances_of(3)",
                "E       TypeError: instances_of takes a class, *",
                "test_it.py:20: TypeError",
                "E       TypeError: instances_of takes one class or more: assert_collected.instances_of(Session)",
                "E       TypeError: instances_of: 'Thing' is no dotted name; write the module too: 'shop.cart.Thing'",
            ]
        )
        assert not suite.lines_of(result, "pytest_leakcheck/")
