"""OpenAPI documents, read into the operations that an agent can call."""
