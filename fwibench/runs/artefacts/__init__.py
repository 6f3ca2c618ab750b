"""Files of the cells in a results folder: reading, writing and replacing them."""
