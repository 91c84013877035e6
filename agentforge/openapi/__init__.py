"""Describe to scripts what they can do: OpenAPI 3.1 of the URLs, the forms and each app's `openapi.py`."""
