"""The method contract, the base for torch networks, and the costs of both."""
