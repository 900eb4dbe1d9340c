"""What a meeting is. Knows no upstream JSON, no HTTP and no GraphQL."""
