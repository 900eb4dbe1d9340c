"""What replicas share of the HTTP face: how much each client may still ask for, and persisted documents."""
