"""Openfort's wire format, over ordinary sessions, runs and signatures of the owner."""
