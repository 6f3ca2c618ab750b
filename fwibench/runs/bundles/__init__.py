"""Bundles: results of runs in one file that anybody can check, such as for a public leaderboard."""
