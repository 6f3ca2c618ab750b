"""Requests of users, and the cells that are planned from them."""
