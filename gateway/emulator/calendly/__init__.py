"""Calendly, emulated from its documents alone."""
