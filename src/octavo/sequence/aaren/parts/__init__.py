"""The parts of the experiment, a file a question; `experiment` gathers them."""
