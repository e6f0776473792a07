"""From live survivors to leaks as values."""
