"""What the calculus answers to anybody, worked out beside the server and never in it."""
