"""What the parts of the experiment share, and its figures."""
