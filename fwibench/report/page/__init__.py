"""The report: one page that shows a results folder, in a file that needs nothing else."""
