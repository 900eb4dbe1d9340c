"""What processes of one gateway share through Redis or Valkey; every part goes on alone while that is away."""
