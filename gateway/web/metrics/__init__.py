"""What is counted for Prometheus, and `/metrics`, which shows it."""
