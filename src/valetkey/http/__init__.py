"""The edge: HTTP in, a verb of ours, HTTP out."""
