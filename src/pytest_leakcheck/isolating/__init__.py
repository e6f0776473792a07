"""A test in a fresh interpreter of its own: both sides of it."""
