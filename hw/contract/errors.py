"""The one exception that is meant for people."""


class PointwiseError(Exception):
    """A bad input, told in one sentence: the thing, what was expected, and what to do.

    The command line prints the sentence and ends with a non-zero exit status; a traceback would mean a bug.
    """
