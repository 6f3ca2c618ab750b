"""Child processes of a cell, and the messages between them and the command."""
