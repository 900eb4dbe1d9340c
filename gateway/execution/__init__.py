"""Compiles a GraphQL operation once and runs it level by level; graphql-core runs what it does not cover."""
