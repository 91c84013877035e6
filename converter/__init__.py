"""Converts JavaScript servers into Netlify functions; independent of Django and the rest of the product.

`routes` converts the API routes of a Next.js project: `routes.conversion.convert`, `routes.output.write`.
`sockets` converts `ws` and socket.io servers: `sockets.migration.open_migration`, `Migration.run(step)`.
Both parse sources with `javascript` (tree-sitter) and report what they cannot convert as `problems.Problem`.
"""
