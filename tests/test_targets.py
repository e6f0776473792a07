"""Which classes are the project's own, and what leakcheck_watch and leakcheck_ignore make of that."""

import collections
import gc
import sys
import types
import weakref

import pytest

from pytest_leakcheck.remedies import why_not_weakable
from pytest_leakcheck.watching import targets


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Return what makes a module with a class ``Thing``, loaded from a file below a folder of its own."""

    def make(name, file=None):
        made = types.ModuleType(name)
        if file is not None:
            made.__file__ = str(tmp_path / file) if isinstance(file, str) else file
        made.Thing = type("Thing", (), {"__module__": name})
        monkeypatch.setitem(sys.modules, name, made)
        return made.Thing

    return make


class TestOwn:
    @pytest.mark.parametrize(
        ("file", "expected"),
        [
            ("shop/cart.py", True),
            ("tests/test_cart.py", True),
            ("deep/er/still.py", True),
            (".venv/lib/python3.11/site-packages/shop/cart.py", False),
            (".tox/py311/lib/python3.11/site-packages/shop/cart.py", False),
            ("debian/usr/lib/python3/dist-packages/shop/cart.py", False),
            ("../elsewhere/cart.py", False),
            (None, False),
            (7, False),
        ],
    )
    def test_classes_of_files_below_the_root_are_own(self, module, tmp_path, file, expected):
        """Not those of environments in it, of other folders, or of modules without a file."""
        if file and isinstance(file, str) and file.startswith(".."):
            file = str((tmp_path / file).resolve())

        assert targets.own(str(tmp_path), [])(module("shop_cart", file)) is expected

    def test_a_folder_whose_name_starts_alike_is_another(self, module, tmp_path):
        """Files in ``shop-old`` are not those of ``shop``."""
        kind = module("shop_cart", str(tmp_path / "shop-old" / "cart.py"))

        assert not targets.own(str(tmp_path / "shop"), [])(kind)

    def test_an_environment_that_is_in_the_root_is_left_out(self, module, tmp_path, monkeypatch):
        """All of it, its standard library included; a root that is the environment itself is no reason to."""
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
        kind = module("json_like", "env/lib/python3.11/json_like.py")

        assert not targets.own(str(tmp_path), [])(kind)
        assert targets.own(str(tmp_path / "env"), [])(kind)

    def test_below_the_root_of_all_folders_the_interpreters_own_modules_are_not(self, module, tmp_path):
        """What lies anywhere else is."""
        own = targets.own(tmp_path.anchor, [])

        assert own(module("shop_cart", "shop/cart.py"))
        assert not own(collections.UserDict)

    def test_what_a_stub_in_the_place_of_a_module_is_says_nothing_of_the_module(self, module, tmp_path):
        """It has no file, and is mostly gone after the test that put it there."""
        own = targets.own(str(tmp_path), [])

        assert not own(module("shop_cart"))
        assert own(module("shop_cart", "shop_cart.py"))

    def test_packages_that_are_named_are_own_wherever_they_are(self, module, tmp_path):
        """With their subpackages, not with those whose names start alike."""
        own = targets.own(str(tmp_path), ["shop", "acme.cart"])

        names = ["shop", "shop.cart", "shopping", "acme", "acme.cart.item", "acme.cartoon"]
        assert [name for name in names if own(module(name, "/usr/lib/x.py"))] == ["shop", "shop.cart", "acme.cart.item"]

    def test_classes_of_classes_and_the_plugin_itself_are_never_own(self, module, tmp_path):
        """Instances of a metaclass are classes, which are never blamed."""
        module("shop_meta", "shop_meta.py")
        meta = type("Meta", (type,), {"__module__": "shop_meta"})

        own = targets.own(str(tmp_path), ["pytest_leakcheck"])
        assert not own(meta)
        assert not own(type("Inner", (), {"__module__": "pytest_leakcheck.watching.watch"}))

    def test_a_class_without_a_module_is_nobodys(self, tmp_path):
        """Neither where it has no name for it, nor where that is not loaded."""
        own = targets.own(str(tmp_path), [])

        assert not own(type("Odd", (), {"__module__": 7}))
        assert not own(type("Odd", (), {"__module__": "not.loaded"}))

    def test_a_module_that_is_none_is_nobodys(self, tmp_path, monkeypatch):
        """Anything may be in sys.modules."""
        monkeypatch.setitem(sys.modules, "odd_module", object())

        assert not targets.own(str(tmp_path), [])(type("Odd", (), {"__module__": "odd_module"}))

    def test_watched_and_ignored_names_add_and_take_away(self, module, tmp_path):
        """By glob, subclasses included; what is ignored is, wherever it is."""
        session, cart = module("sqlalchemy_like", "/usr/x.py"), module("shop_cart", "shop_cart.py")
        own = targets.own(str(tmp_path), [], watched=["sqlalchemy_like.Th*"], ignored=["shop_cart.Ignored"])

        assert own(session)
        assert own(type("Below", (session,), {"__module__": "elsewhere"}))
        assert own(cart)
        assert not own(type("Ignored", (cart,), {"__module__": "shop_cart"}))


class TestProjectPackages:
    def test_sources_in_the_root_and_below_src_are_the_projects(self, tmp_path):
        """Packages in either, modules and namespaces below src; folders without an __init__ elsewhere are not."""
        for file in (
            "flat/__init__.py",
            "setup.py",
            "docs/conf.py",
            "src/shop/__init__.py",
            "src/shop/cart/__init__.py",
            "src/single.py",
            "src/acme/billing/__init__.py",
            "src/acme/loose.py",
            "src/notes.txt",
        ):
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

        assert targets.project_packages(str(tmp_path)) == ["flat", "acme.billing", "shop", "single"]

    def test_a_root_that_is_not_there_has_none(self, tmp_path):
        """Nothing is asked of what is missing."""
        assert targets.project_packages(str(tmp_path / "missing")) == []

    def test_an_installed_copy_of_the_sources_is_own(self, module, tmp_path):
        """As in tox: the tests run in the root, the package comes from the environment."""
        (tmp_path / "src" / "shop").mkdir(parents=True)
        (tmp_path / "src" / "shop" / "__init__.py").touch()

        kind = module("shop.cart", ".tox/py/lib/site-packages/shop/cart.py")

        assert targets.own(str(tmp_path), [])(kind)


class TestNamed:
    def test_classes_and_globs_take_subclasses(self):
        """A glob fits the dotted name of the class or of one that it derives from."""
        wanted = targets.named([collections.UserDict, "decimal.*"])

        kinds = [collections.UserDict, collections.ChainMap, type("Sub", (collections.UserDict,), {}), int]
        import decimal  # noqa: PLC0415 - the test is about its name

        assert [wanted(kind) for kind in kinds] == [True, False, True, False]
        assert wanted(decimal.Decimal)

    def test_each_class_is_judged_once(self):
        """And not kept alive by that: nothing is left of one that has died, and another at its address is judged."""
        judged = []
        wanted = targets.TypeFilter(lambda kind: judged.append(kind.__name__) or True)

        class Local:
            pass

        assert wanted(Local)
        assert wanted(Local)
        assert judged == ["Local"]
        ref, node = weakref.ref(Local), id(Local)
        del Local
        gc.collect()
        assert ref() is None
        assert node not in wanted._known
        assert not wanted.is_any_wanted(but=())

    def test_what_is_known_of_a_class_leaves_one_tracked_object(self):
        """A test may count those before and after, and meet classes in between."""
        wanted = targets.TypeFilter(lambda kind: kind is int)
        assert wanted(int)
        assert not wanted(str)

        before = len(gc.get_objects())
        assert not wanted(float)
        assert wanted(int)
        assert len(gc.get_objects()) - before <= 1

    def test_a_look_amid_a_test_leaves_none(self):
        """It is judged anew each time, until one after the test."""
        wanted = targets.TypeFilter(lambda kind: kind is int)
        before = len(gc.get_objects())

        assert (wanted.peek(int), wanted.peek(str)) == (True, False)
        assert len(gc.get_objects()) <= before
        assert (wanted(int), wanted.peek(int)) == (True, True)

    def test_a_filter_that_is_gone_is_told_of_no_class(self):
        """One that outlives it may die in peace."""

        class Local:
            pass

        wanted = targets.TypeFilter(bool)
        assert wanted(Local)
        ref = wanted._known[id(Local)]
        wanted.forget(weakref.KeyedRef(Local, None, 0))
        assert wanted._known[id(Local)] is ref
        del wanted, Local
        gc.collect()
        assert ref() is None

    @pytest.mark.parametrize("obj", [int, sys, print, lambda: None])
    def test_classes_modules_and_functions_are_never_blamed(self, obj):
        """Nor are they watched as the value of a fixture."""
        assert not targets.is_plain_instance(obj)
        assert targets.is_plain_instance([obj])


class TestFromOutside:
    def test_classes_made_in_tests_are_watched_and_forgotten(self, suite):
        """Their instances are judged; the classes die after their tests."""
        result = suite.run(
            """
            import gc, weakref

            CLASSES = []

            @pytest.mark.parametrize("n", range(3))
            def test_local(n):
                class Local(Thing): pass
                Local().itself = Local()
                CLASSES.append(weakref.ref(Local))

            def test_leak():
                class Local(Thing): pass
                keep(Local())

            def test_gone():
                gc.collect()
                assert [ref() for ref in CLASSES] == [None] * 3
            """,
            "--leakcheck",
        )

        result.assert_outcomes(passed=4, failed=1)
        result.stdout.fnmatch_lines(["  test_it.test_leak.<locals>.Local *"])

    def test_packages_and_namespaces_below_src_are_watched(self, suite):
        """Without a setting, on the path as pythonpath puts them there."""
        for file, name in (("src/acme/billing/__init__.py", "Bill"), ("src/shop.py", "Cart")):
            path = suite.path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"class {name}: pass\nKEPT = []\n", encoding="utf-8")
        suite.write(conftest="")
        (suite.path / "pytest.ini").write_text("[pytest]\npythonpath = src\n", encoding="utf-8")
        result = suite.run(
            """
            import acme.billing, shop

            def test_bill(): acme.billing.KEPT.append(acme.billing.Bill())
            def test_cart(): shop.KEPT.append(shop.Cart())
            """,
            "--leakcheck",
        )

        result.assert_outcomes(failed=2)

    def test_types_watched_beside_the_projects_own(self, suite):
        """leakcheck_watch names classes of libraries; leakcheck_packages takes whole packages."""
        source = """
        import collections, fractions
        KEPT_MORE = []

        def test_library(): KEPT_MORE.append(collections.UserList())
        def test_package(): KEPT_MORE.append(fractions.Fraction(1, 3))
        """
        suite.run(source, "--leakcheck").assert_outcomes(passed=2)

        result = suite.run("", "--leakcheck", "-o", "leakcheck_watch=collections.User*")
        result.assert_outcomes(passed=1, failed=1)

        result = suite.run("", "--leakcheck", "-o", "leakcheck_packages=collections")
        result.assert_outcomes(passed=1, failed=1)
        assert suite.lines_of(result, "LEAKED test_it.py::test_library")

    def test_types_that_are_ignored_are_not_watched_at_all(self, suite):
        """Their tests are not run a second time either."""
        (suite.path / "pytest.ini").write_text(
            "[pytest]\nleakcheck_ignore = test_it.Th*  # pooled by design\n", encoding="utf-8"
        )
        result = suite.run("def test_it(): keep(Thing())\n", "--leakcheck", "-v")

        result.assert_outcomes(passed=1)
        assert not suite.lines_of(result, "second time")


def test_no_metaclass_is_asked_when_a_type_is_judged():
    """Types are judged amid any code: a metaclass is neither asked (``__eq__``, ``__hash__``) nor believed."""
    asked = []

    class Meta(type):
        def __eq__(cls, other):
            asked.append("eq")
            return True

        def __hash__(cls):
            asked.append("hash")
            return 1

    class Thing(metaclass=Meta):
        __slots__ = ()

    asked.clear()
    is_own = targets.own(".", [__name__])

    assert is_own(Thing)
    assert targets.is_plain_instance(Thing())
    assert why_not_weakable(Thing()) == (
        "a weak reference to a Thing object is not possible: "
        'Thing has __slots__ without "__weakref__". Add "__weakref__" to its __slots__.'
    )
    assert asked == []
