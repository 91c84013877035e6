"""Converts `ws` and socket.io servers into Netlify functions: POST to send, server-sent events to receive."""
