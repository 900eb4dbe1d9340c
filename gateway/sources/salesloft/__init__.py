"""Salesloft v2: calendar meetings, people, users, cadences."""
