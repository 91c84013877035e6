class BackupError(Exception):
    """Nothing was made or restored, or only what `str()` says: for an operator, with the remedy."""
