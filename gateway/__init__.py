"""A GraphQL gateway over meeting sources."""
