"""The OpenAPI 3.1 document, built from the URLs, the forms and each app's `openapi.py`."""
