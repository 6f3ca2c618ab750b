"""Predictions and inversions of measurements that are not part of a dataset."""
