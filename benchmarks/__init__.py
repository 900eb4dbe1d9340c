"""What the gateway costs and how fast it is; each file says how it is run."""
