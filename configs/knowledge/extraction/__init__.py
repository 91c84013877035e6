"""Extract the text of a file, in a process of its own: it imports nothing of Django."""
