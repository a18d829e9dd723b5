"""Work of independent parts: in processes of this machine, or on a Dask cluster.

A command describes its work as a ``Job``, names its parts, and hands both to an executor, which ``executor``
makes. ``complete`` does so with a file from which the same command goes on.
"""

from .complete import complete, goes_on
from .executor import Executor, Local, executor
from .here import Here, here
from .job import Job, code_digest, digest_of, file_digest
from .processes import in_processes, one_thread, processors
from .record import Lines, Record
from .shipping import stamp

__all__ = [
    "Executor",
    "Here",
    "Job",
    "Lines",
    "Local",
    "Record",
    "code_digest",
    "complete",
    "digest_of",
    "executor",
    "file_digest",
    "goes_on",
    "here",
    "in_processes",
    "one_thread",
    "processors",
    "stamp",
]
