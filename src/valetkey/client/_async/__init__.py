"""The client. Synchronous and asynchronous forms say the same: see tools/unasync.py."""
