"""Defences taken away one by one, each with the test that must notice: `make sabotage`.

What mutation testing reaches (`make mutants`: the core and the checks of tokens) is left to it.
"""
