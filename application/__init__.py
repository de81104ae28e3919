"""The verbs: what a caller can do with sessions and messages, and who may.

Each use case is a frozen dataclass that holds its ports and is called like a function. It runs
without HTTP, without a database, and on any adapter of its ports.
"""
