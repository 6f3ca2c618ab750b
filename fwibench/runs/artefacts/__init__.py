"""What a cell leaves in a results folder, and how it is read and replaced."""
