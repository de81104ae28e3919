"""The server is uvicorn with defences against slow, silent and malformed clients."""
