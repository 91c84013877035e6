"""Sites on a disk of one's own: a directory a site, behind the interface of deployments.hosts."""

from .host import SelfHost

__all__ = ["SelfHost"]
