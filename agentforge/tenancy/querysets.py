from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

    from agentforge.prepared_queries import Parameter


class OwnedQuerySet(models.QuerySet[Any]):
    """A model may say in `SHOWN_IF`, as field lookups, which of their rows owners see."""

    def owned_by(self, user: AbstractBaseUser | Parameter) -> Self:
        """Return the rows of one user, without those in the trash."""
        return self.all_of(user).filter(**getattr(self.model, "SHOWN_IF", {}))

    def all_of(self, user: AbstractBaseUser | Parameter) -> Self:
        """Return the rows of one user, those in the trash too."""
        return self.filter(owner=user)
