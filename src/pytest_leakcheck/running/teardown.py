"""A teardown in steps: the test alone, then one wider scope after the other; what goes wrong is raised at the end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from _pytest.outcomes import OutcomeException

if sys.version_info < (3, 11):  # pragma: only on CPython 3.10
    from exceptiongroup import BaseExceptionGroup  # pytest brings it along there

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Steps:
    """The steps of one teardown, each done by pytest's own `tear_down`, which takes the next item."""

    def __init__(self, tear_down: Callable[[Any], None]) -> None:
        self._tear_down = tear_down
        self._errors: list[BaseException] = []

    def down_to(self, node: Any) -> bool:
        """Tear down all that `node` does not need, None for all there is; tell whether nothing went wrong."""
        __tracebackhide__ = True
        try:
            self._tear_down(node)
        except (Exception, OutcomeException) as error:  # noqa: BLE001 - what pytest itself takes for a teardown's error
            self._errors.append(error)
            return False
        return True

    def finish(self) -> None:
        """Raise what went wrong, as pytest does."""
        __tracebackhide__ = True
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise BaseExceptionGroup("errors during test teardown", self._errors[::-1])


def ending_scopes(item: pytest.Item, nextitem: pytest.Item | None) -> list[Any]:
    """Return the collectors of `item` that `nextitem` does not need, the narrowest first."""
    needed = nextitem.listchain() if nextitem is not None else []
    return [node for node in item.listchain()[-2::-1] if node not in needed]
