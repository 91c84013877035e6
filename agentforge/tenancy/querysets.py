from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class OwnedQuerySet(models.QuerySet[Any]):
    def owned_by(self, user: AbstractBaseUser) -> Self:
        """Return the rows of one user."""
        return self.filter(owner=user)
