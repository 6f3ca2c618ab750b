"""Files of a release: the step that sets its version, and the recipe of the conda package."""
