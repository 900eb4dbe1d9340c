"""Calendly: meetings that people booked by a link."""
