"""One test's check: what survives, what of it is a leak, and what was found out before."""
