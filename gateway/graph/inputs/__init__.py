"""What clients send: filters, orders, keys, sizes and cursors, made what the model has."""
