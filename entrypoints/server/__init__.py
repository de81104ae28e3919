"""uvicorn, with what it lacks against clients that are slow, silent, or not what they should be."""
