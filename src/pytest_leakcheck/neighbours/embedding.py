"""Pictures of leaks in the page that pytest-html makes; it has the report's text by itself.

They go there as images, in which no script runs, whatever the names in them say.
"""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from pytest_leakcheck.model import Report


def embed(report: pytest.TestReport, leak: Report, config: pytest.Config) -> None:
    """Hand the pictures of `leak` over to pytest-html, if it is there; what can't be read is left out."""
    if not config.pluginmanager.hasplugin("html"):
        return
    extras: list[dict[str, Any]] = list(getattr(report, "extras", ()))
    for picture in leak.pictures:
        if picture.endswith(".svg"):
            with contextlib.suppress(OSError):
                extras.append(_image(Path(picture).read_bytes()))
    report.extras = extras  # type: ignore[attr-defined]


def _image(content: bytes) -> dict[str, Any]:
    """Return what pytest-html calls an extra; base64 serves for a page with files beside it, and for one without."""
    return {
        "name": "leak",
        "format_type": "image",
        "content": base64.b64encode(content).decode(),
        "mime_type": "image/svg+xml",
        "extension": "svg",
    }
