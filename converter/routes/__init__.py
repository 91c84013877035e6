"""Converts the API routes of a Next.js project into Netlify functions: parse, check, write."""
