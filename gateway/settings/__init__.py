"""Every setting as one typed table: its name, type, bounds, default and purpose."""
