"""Hours of ordinary use in minutes: mixed queries at a fixed rate, while vendors fail, and nothing may grow."""
