"""What the process tells of itself: a log, figures, and traces."""
