"""The types of the graph: faces of the model's records, and of the vendors' own rows."""
