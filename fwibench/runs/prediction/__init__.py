"""Predictions for measurements that are not part of a dataset."""
