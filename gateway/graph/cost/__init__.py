"""What operations cost upstream, before they are run."""
