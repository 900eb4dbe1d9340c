"""Whole gateways side by side over one upstream."""
