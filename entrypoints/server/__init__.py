"""uvicorn, with what it lacks against clients that are slow, silent, or not what they should be."""

from entrypoints.server.patience import Patience
from entrypoints.server.server import Server

__all__ = ["Patience", "Server"]
