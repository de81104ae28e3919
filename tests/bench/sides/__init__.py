"""What the service is held against: each a process of its own that answers the same requests."""
