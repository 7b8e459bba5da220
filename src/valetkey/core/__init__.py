"""What we mean: values and rules. No I/O, no clock, no randomness."""
