"""Pure ASGI middleware: what holds for every request, whoever answers it."""
