"""What replicas share of the HTTP API: how much each client may still ask for, and persisted documents."""
