"""Specs, which plugins declare for methods, datasets, metrics and exporters, and models of options."""
