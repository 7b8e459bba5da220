"""Public standards, and our own published grant format, as pure codecs: bytes and values in, bytes and values out."""
