"""Runs of pytest in forks of one process are as good as runs in processes of their own."""

import signal
import subprocess

import pytest

import template

pytestmark = pytest.mark.skipif(not template.IS_POSSIBLE, reason="nothing is forked here")


@pytest.fixture
def forking(tmp_path, monkeypatch):
    """Return a template, ended after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    forking = template.Template()
    yield forking
    forking.end()


@pytest.fixture
def run(forking, tmp_path):
    """Return a function that runs a test in a fork and returns its exit status and output."""

    def run(body, *arguments, timeout=60):
        (tmp_path / "test_it.py").write_text(f"import os, sys\n\ndef test_it():\n    {body}\n")
        with open("out.txt", "w") as out, open("err.txt", "w") as err:  # noqa: PTH123 - as pytester opens them
            running = forking.run(("-q", "-s", *arguments), out, err)
            try:
                status = running.wait(timeout)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return status, (tmp_path / "out.txt").read_text(), (tmp_path / "err.txt").read_text()

    return run


def test_its_output_and_exit_status_are_its_own(run):
    """What is printed comes in the two files, and pytest's status is returned."""
    status, out, err = run("print('to out'); print('to err', file=sys.stderr); assert 0")

    assert (status, "to out" in out, "1 failed" in out, err) == (1, True, True, "to err\n")


def test_each_starts_afresh(run):
    """What one leaves in its modules, variables and folder is not there for the next."""
    assert run("sys.kept = os.environ['KEPT'] = 'x'; os.chdir('/')")[0] == 0
    assert run("assert not hasattr(sys, 'kept') and 'KEPT' not in os.environ and os.getcwd() == sys.path[0]")[0] == 0


def test_a_signal_that_ends_one_is_its_status(run):
    """As that of any process that `subprocess` started."""
    assert run(f"os.kill(os.getpid(), {int(signal.SIGTERM)})")[0] == -signal.SIGTERM


def test_one_that_hangs_is_ended(run):
    """And the next one runs all the same."""
    with pytest.raises(subprocess.TimeoutExpired):
        run("import time; time.sleep(60)", timeout=2)

    assert run("pass")[0] == 0


def test_variables_that_python_reads_at_its_start_need_a_process_of_their_own(run, forking, monkeypatch):
    """A fork has started long ago."""
    run("pass")
    assert forking.serves(template.PYTEST)

    monkeypatch.setenv("PYTHONHASHSEED", "1")
    assert not forking.serves(template.PYTEST)
