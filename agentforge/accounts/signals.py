"""Signals of accounts, for the apps above this one."""

from django.dispatch import Signal

# Sent with `user` in the transaction that stores a new account.
account_created = Signal()
