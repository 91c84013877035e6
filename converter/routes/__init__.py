"""Convert the API routes of a Next.js project into Netlify functions: `manage.py api_to_netlify`.

Parse → an understood model of every route, with diagnostics → emit.
"""
