"""The API as it describes itself, for people at /docs and for programs at /openapi.json."""
