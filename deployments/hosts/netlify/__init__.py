"""Netlify as a host of sites."""

from .client import Netlify

__all__ = ["Netlify"]
