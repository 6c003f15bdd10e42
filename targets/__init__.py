"""What is minimised over tables and points, and the arithmetic of every way to minimise it."""
