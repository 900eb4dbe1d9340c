"""Windows, cursors and the k-way merge: pure and generic."""
