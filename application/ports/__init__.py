"""What the use cases need from outside. An adapter subclasses a port by name."""
