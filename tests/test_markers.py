"""What the markers ask for."""


class TestNoLeak:
    def test_markers_of_module_class_and_function_unite(self, suite):
        """Each adds to what the others watch."""
        result = suite.run(
            """
            class First: pass
            class Second: pass
            class Third: pass

            pytestmark = pytest.mark.no_leak(instances_of=First)

            @pytest.mark.no_leak(instances_of=[Second])
            class TestThings:
                def test_unmarked(self): keep(Third())

                @pytest.mark.no_leak(instances_of="test_it.Third")
                def test_it(self): keep([First(), Second(), Third(), Thing()])
            """,
            "--strict-markers",
        )

        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["LEAKED  3 objects that should be gone are still alive"])
        assert not suite.lines_of(result, "test_it.Thing ")

    def test_one_that_only_says_how_adds_to_what_others_name(self, suite):
        """It names no classes, but is no bare marker either: the others say what must go."""
        result = suite.run(
            """
            class Other: pass

            pytestmark = pytest.mark.no_leak(instances_of=Thing)

            @pytest.mark.no_leak(within=0)
            def test_fine(): keep(Other())

            @pytest.mark.no_leak(within=0)
            def test_leak(): keep(Thing())

            @pytest.mark.no_leak
            def test_bare(): keep(Other())
            """
        )

        result.assert_outcomes(passed=1, failed=2)

    def test_a_bare_marker_watches_the_projects_own_classes(self, suite):
        """Those of files below rootdir, not of the libraries that are installed."""
        result = suite.run(
            """
            import argparse

            @pytest.mark.no_leak
            def test_own(): keep(Thing())

            @pytest.mark.no_leak()
            def test_foreign(): keep(argparse.Namespace())
            """
        )

        result.assert_outcomes(failed=1, passed=1)
        result.stdout.fnmatch_lines(["LEAKED test_it.py::test_own*"])

    def test_subclasses_count(self, suite):
        """Also where the class is named by a string, and by the name that its package exports."""
        suite.write(shop="from _shop import Cart", _shop="class Cart: pass")
        result = suite.run(
            """
            import shop

            class Basket(shop.Cart): pass

            @pytest.mark.no_leak(instances_of=shop.Cart)
            def test_class(): keep(Basket())

            @pytest.mark.no_leak(instances_of="shop.Cart")
            def test_name(): keep(Basket())

            @pytest.mark.no_leak(instances_of="_sho*.C*")
            def test_glob(): keep(Basket())
            """
        )

        result.assert_outcomes(failed=3)

    def test_a_name_of_a_module_that_is_loaded_later_counts_from_then_on(self, suite):
        """In the test itself by its full name, in later tests by any name that leads to the class."""
        (suite.path / "shop").mkdir()
        (suite.path / "shop" / "__init__.py").touch()
        (suite.path / "shop" / "cart.py").write_text("from shop._impl import Cart")
        (suite.path / "shop" / "_impl.py").write_text("class Cart: pass")
        result = suite.run(
            """
            import shop

            @pytest.mark.no_leak(instances_of="shop._impl.Cart")
            def test_first():
                from shop.cart import Cart
                keep(Cart())

            @pytest.mark.no_leak(instances_of=["shop.cart.Cart"])
            def test_second():
                from shop.cart import Cart
                keep(Cart())
            """,
        )

        result.assert_outcomes(failed=2)
        assert not suite.lines_of(result, "never matched")

    def test_a_module_that_is_loaded_later_may_lack_the_name(self, suite):
        """It is no error then, but told at the end."""
        suite.write(shop="class Cart: pass")
        result = suite.run(
            """
            @pytest.mark.no_leak(instances_of="shop.Card")
            def test_first(): import shop

            @pytest.mark.no_leak(instances_of="shop.Card")
            def test_second(): pass
            """
        )

        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["leakcheck: instances_of 'shop.Card' never matched any object's class in 2 tests"])

    def test_a_name_that_never_matched_is_told_at_the_end(self, suite):
        """In yellow, each with the number of its tests, and summed over workers; one that matched is not."""
        source = """
        pytestmark = pytest.mark.no_leak(instances_of=["shop.cart.*", "test_it.*"])

        @pytest.mark.parametrize("n", range(4))
        def test_it(n): pass

        @pytest.mark.no_leak(instances_of="shop.cart.Card")
        def test_other(assert_collected):
            assert_collected.instances_of("shop.sale.*")
        """
        lines = [
            "leakcheck: 5 tests checked; no leaks; gc *",
            "leakcheck: instances_of 'shop.cart.[*]' never matched any object's class in 5 tests",
            "leakcheck: instances_of 'shop.cart.Card' never matched any object's class in 1 test",
            "leakcheck: instances_of 'shop.sale.[*]' never matched any object's class in 1 test",
        ]
        for options in ([], ["-n2"]):
            result = suite.run(source, *options, uses="xdist")

            result.assert_outcomes(passed=5)
            result.stdout.fnmatch_lines(lines, consecutive=True)
            assert not suite.lines_of(result, "test_it.*")
        coloured = suite.run(source, "--color=yes")
        coloured.stdout.fnmatch_lines(["\x1b[[]33mleakcheck: instances_of 'shop.cart.[*]' never matched *"])

    def test_a_project_without_classes_is_told_at_the_end(self, suite):
        """--leakcheck that can watch nothing says so, and how to name the packages; test classes don't count."""
        source = """
        class TestThings:
            def test_it(self): pass

        def test_other(): pass
        """
        result = suite.run(source, "--leakcheck", prelude="")

        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(
            ["leakcheck: no loaded class is this project's own, so 2 tests watched none of its objects: set *_packages"]
        )
        for key in ("leakcheck_packages=json", "leakcheck_watch=json.*"):
            assert not suite.lines_of(suite.run("", "--leakcheck", "-o", key), "no loaded class")

    def test_a_fixture_that_registers_nothing_is_told_at_the_end(self, suite):
        """Where all that was asked for is registrations and there was none, the run says that it watched nothing."""
        result = suite.run("def test_it(assert_collected): pass\n")

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["leakcheck: nothing was watched in 1 test: no object was registered"])
        assert not suite.lines_of(result, "checked;")


class TestSkipLeakcheck:
    def test_it_wins_over_all_that_asks(self, suite):
        """Near or far, positional or by keyword."""
        result = suite.run(
            """
            @pytest.mark.skip_leakcheck("the registry is meant to grow")
            class TestThings:
                @pytest.mark.no_leak(instances_of=Thing)
                def test_marked(self): keep(Thing())

                def test_registered(self, assert_collected): keep(assert_collected(Thing()))

            @pytest.mark.skip_leakcheck(reason="the registry is meant to grow")
            def test_other(): keep(Thing())

            def test_checked(): keep(Thing())
            """,
            "--leakcheck",
            "--strict-markers",
        )

        result.assert_outcomes(passed=3, failed=1)
        result.stdout.fnmatch_lines(["LEAKED test_it.py::test_checked*"])
