"""A finished run made again."""
