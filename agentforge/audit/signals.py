"""Signals of the audit log, for the apps above this one."""

from django.dispatch import Signal

# Sent with `owner_id` in the transaction that stores an event of somebody's log.
event_recorded = Signal()
