"""The extension points, each implemented for the toolkit `desk`."""

import desk

from pytest_leakcheck import KnownHolder


def pytest_leakcheck_drain():
    if not desk.CLOSED:
        return False
    desk.process_events()
    return True


def pytest_leakcheck_expand(obj):
    if isinstance(obj, desk.Window):
        return obj.fields
    return None


def pytest_leakcheck_describe(obj):
    if isinstance(obj, desk.Field):
        return f"named {obj.name!r}"
    return None


def pytest_leakcheck_known_holders():
    return [
        KnownHolder("desk.MEASURED", "desk keeps a font that it has measured, until it is told to rest"),
        KnownHolder("desk.OPEN", "the menu bar was never freed", package="desk", versions=">=2.0,<2.3"),
    ]


def pytest_leakcheck_report(leaks):
    print()
    for found in leaks:
        survivor = found.leak.survivors[0]
        print(f"{len(found.tests)} tests leak {survivor.type_name} ({found.leak.fingerprint})")
