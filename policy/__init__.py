"""What both sides must agree on: spaces, networks, distributions, the normaliser, the trajectory."""
