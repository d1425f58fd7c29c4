"""What a person is told when something is wrong: what came, what was expected, what to do, in one line."""


class OctavoError(Exception):
    """An error with a message for a person; the command line prints it and exits with `exit_code`."""

    exit_code = 2


class RunFailed(OctavoError):
    """A run was started in good order and did not come to its end."""

    exit_code = 1


class Missing(OctavoError):
    """What a part of an experiment stands on is not here: the part *needs NAME*, and the run goes on.

    Args:
        name: what is missing, as it is printed after "needs": a data set, a package, `gpu`.
        how: what to do to get it, as a sentence.
    """

    def __init__(self, name: str, how: str) -> None:
        super().__init__(f"{name} is not here. {how}")
        self.name = name
        self.how = how

    def __reduce__(self) -> tuple[type["Missing"], tuple[str, str]]:
        # An exception of two arguments does not cross a process by itself.
        return type(self), (self.name, self.how)
