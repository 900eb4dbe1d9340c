"""One seeded sales team and both vendors' APIs over it, for tests, the demo and people without credentials."""
