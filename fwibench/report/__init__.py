"""Reports, figures and dataset cards. Nothing here runs a method."""
