"""What `meeting-gateway` does, a module a command; each is imported when it is run."""
