"""Our own JSON to core values and back; server and SDK share it."""
