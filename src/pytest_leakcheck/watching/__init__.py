"""What must die: who is watched, and whether they live. Knows nothing of holders, paths or reports."""
