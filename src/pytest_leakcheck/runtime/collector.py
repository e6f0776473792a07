"""The collector as it was when this was loaded, by the names of ``gc``: a test may put others in their places."""

from gc import *  # noqa: F403 - all there are, which are not the same everywhere
