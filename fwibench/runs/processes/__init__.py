"""Child processes of a cell, and what they and the command tell each other."""
