"""The parts of the experiment, a question each."""
