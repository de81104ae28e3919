PROBE_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
"""The paths that machines request every few seconds, under any Host. They are never traced."""
