"""The driving adapter: FastAPI over the use cases. It knows the application and the domain only."""
