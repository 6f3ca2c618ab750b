"""The dataset contract, its storage, and the datasets that come with the suite."""
