"""Reads JavaScript and TypeScript: syntax trees, imports and exports, literals; strips types."""
