"""Live updates: what changed, since when, and for whom."""
