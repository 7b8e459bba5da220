"""Para's wire format."""
