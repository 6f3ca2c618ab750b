"""Figures and pages of studies."""
