"""What the server says of itself while it works: its log, its metrics, its traces."""
