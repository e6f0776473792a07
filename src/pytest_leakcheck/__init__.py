"""pytest-leakcheck: fails the test that leaks an object, and shows the chain of references that keeps it alive."""

from pytest_leakcheck.block import no_leak
from pytest_leakcheck.check import LeakError
from pytest_leakcheck.why import WhyAlive, why_alive

__all__ = ["LeakError", "WhyAlive", "no_leak", "why_alive"]
