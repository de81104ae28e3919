"""Defences taken away one by one, each with the test that must notice: `make sabotage`."""
