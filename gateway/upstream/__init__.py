"""How any REST API is called. No source's name in here."""
