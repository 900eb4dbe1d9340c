"""What a process runs on."""
