"""The graph as an Apollo Federation subgraph: its keys, its entities by them, its text, who is answered."""
