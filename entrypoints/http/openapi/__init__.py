"""The OpenAPI description, which /openapi.json serves and /docs shows."""
