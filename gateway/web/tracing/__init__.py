"""OpenTelemetry, an optional extra: imported only where requests are traced."""
