"""A paper of the tests: lines fitted in closed form and by gradient descent."""
