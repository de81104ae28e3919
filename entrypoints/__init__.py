"""Where it starts: settings, the container that wires everything, the command line, and HTTP."""
