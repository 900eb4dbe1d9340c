"""The GraphQL schema: what clients see."""
