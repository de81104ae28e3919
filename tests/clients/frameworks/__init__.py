"""The stores of `clients/python` for agent frameworks. These tests run in `.venv/frameworks`, and
the service, as a process, in `.venv`: nothing here imports it."""
