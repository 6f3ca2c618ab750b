"""Predictions of methods that run elsewhere: what their authors need, what they send back, and how it is scored."""
