"""Drift's own fields, under the vendor's names in camelCase."""
