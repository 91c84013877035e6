"""Pages around an account besides sign-in itself; those that need Supabase are not there without it."""
