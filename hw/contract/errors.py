"""The exceptions that are meant for people."""

from .registers import Error


class PointwiseError(Exception):
    """A bad input, told in one sentence: the thing, what was expected, and what to do.

    The command line prints the sentence and ends with a non-zero exit status; a traceback would mean a bug.
    """


class Refused(PointwiseError):
    """What a core refuses as well.

    Attributes:
        error: the code that it gives. instruction: index of the instruction that is no good, or None where
            the image itself is refused.
    """

    def __init__(self, sentence: str, error: Error, instruction: int | None = None) -> None:
        super().__init__(sentence)
        self.error, self.instruction = error, instruction
