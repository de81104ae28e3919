"""The words: owners, sessions, messages, pages and the rules they keep.

Standard library only. Nothing here reads a clock, a database or a request.
"""
