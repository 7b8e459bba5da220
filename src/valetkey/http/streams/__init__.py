"""Answers that go on: the streams that are open, what they say, and when they end."""
