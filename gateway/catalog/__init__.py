"""Many sources, one answer."""
