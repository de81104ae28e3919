"""uvicorn, with what it lacks against clients that are slow, silent, or not what they should be."""

from entrypoints.server.server import Server
from entrypoints.server.timeouts import ClientTimeouts

__all__ = ["ClientTimeouts", "Server"]
