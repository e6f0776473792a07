"""A test's run in pytest: when it is judged, how it is run again, and how its report turns."""
