"""Views of accounts; those that need Supabase answer 404 without it."""
