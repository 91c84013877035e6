"""The tools that an agent may have: what each may do, and its settings."""
