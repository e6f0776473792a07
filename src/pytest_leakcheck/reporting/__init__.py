"""What a run tells of its leaks: in pytest's own reports and summary, and for programs."""
