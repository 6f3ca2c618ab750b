"""Metrics: pure functions of prediction, truth and problem."""
