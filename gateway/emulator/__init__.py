"""One seeded sales team and the vendors' APIs over it, for tests, the demo and people without credentials."""
