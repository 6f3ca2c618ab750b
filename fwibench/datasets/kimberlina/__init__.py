"""Kimberlina: seismic and electromagnetic monitoring of stored CO2."""
