"""A stand-in for Netlify: its API for deploys, and the edge that serves deployed sites.

Follows Netlify's OpenAPI description 2.55 and the requests that its own CLI makes.
"""

from .server import NetlifyStandIn
from .trouble import Trouble

__all__ = ["NetlifyStandIn", "Trouble"]
