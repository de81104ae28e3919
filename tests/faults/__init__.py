"""Faults brought about on purpose: small by default, at full size with --full."""
