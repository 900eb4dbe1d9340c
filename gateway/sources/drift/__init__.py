"""Drift: meetings booked in chat, contacts, users."""
