"""The paths of the dialect."""

PREFIX = "/v1"

CONVERSATIONS = f"{PREFIX}/conversations"
