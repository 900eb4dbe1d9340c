"""A source written by following docs/adding-a-source.md, which `test_third_source` adds: a notebook of meetings."""
