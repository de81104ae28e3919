"""OpenAI's Conversations API, spoken on the same use cases as the service's own."""
