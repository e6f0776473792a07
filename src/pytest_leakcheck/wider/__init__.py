"""Wider-scoped fixtures: what they hold may live as long as they do, and is judged when they end."""
