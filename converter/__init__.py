"""Converts JavaScript servers into Netlify functions, without Node, Django or the rest of the product.

`routes` converts the API routes of a Next.js project: `routes.conversion.convert`, then `routes.output.write`.
`sockets` converts `ws` and socket.io servers: `sockets.migration.open_migration`, then `Migration.run(step)`.
Both parse sources with `javascript` (tree-sitter) and report what they cannot convert as `problems.Problem`.
"""
