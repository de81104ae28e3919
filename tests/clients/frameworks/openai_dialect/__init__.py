"""OpenAI's own clients and OpenAI's Agents SDK against the dialect of the service."""
