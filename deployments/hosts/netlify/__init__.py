"""Netlify, behind the interface of deployments.hosts."""

from .client import Netlify

__all__ = ["Netlify"]
