"""CRNN (arXiv 1507.05717): reads a line of text from a picture of any width."""
