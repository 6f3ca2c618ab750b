"""Salt: slices of synthetic volumes in the manner of the SEG/EAGE salt model, or a user's original maps."""
