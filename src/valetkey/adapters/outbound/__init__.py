"""What goes out to URLs that somebody else chose: rules for all of them, and webhooks."""
