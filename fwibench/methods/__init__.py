"""The method contract, base classes for networks and iterative inversions, and counts of parameters and FLOPs."""
