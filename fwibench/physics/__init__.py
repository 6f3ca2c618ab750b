"""Simulations of measurements from property maps."""
