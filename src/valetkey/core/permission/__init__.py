"""The permission language: what a session may do, and the one decision about it."""
