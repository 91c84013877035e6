"""Move a WebSocket server to functions: messages are posted, and what everybody hears comes by SSE.

`manage.py api_to_netlify --migrate DIR`: five steps, each reported and runnable alone.
"""
