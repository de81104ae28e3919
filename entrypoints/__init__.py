"""The entry points: settings, the composition root, the command line, and HTTP."""
