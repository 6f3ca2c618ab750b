"""Pure functions of prediction, truth and problem."""
