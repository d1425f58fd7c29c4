"""A paper of the tests: of its parts one ends well, and the others do not."""
