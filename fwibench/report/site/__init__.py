"""A public leaderboard: a folder of pages made from bundles, which needs no server and no network."""
