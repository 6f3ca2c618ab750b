"""Files: atomic writes, locks, `.npy` files, states."""
