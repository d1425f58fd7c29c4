"""Live demos: a form from the typed function, a process with limits behind it."""
