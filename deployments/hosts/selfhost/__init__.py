"""The forge's own disk as a host of sites, for an own server: one directory per site."""

from .host import SelfHost

__all__ = ["SelfHost"]
