"""The parts of the experiment, one module for each thing that is measured."""
