"""A package, so that a `tests` folder that some dependency has installed cannot take its name."""
