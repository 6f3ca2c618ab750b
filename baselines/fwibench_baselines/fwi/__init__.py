"""Multiscale full waveform inversion on deepwave (section 4.5 of the InvLINT paper; Virieux and Operto, 2009)."""
