"""Salesloft's API, emulated from the vendor's documents."""
