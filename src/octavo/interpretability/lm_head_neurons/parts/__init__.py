"""The parts of the experiment, a subject a module."""
