"""Public standards, and our own published grant format, as pure codecs."""
