"""A job in the foreground: the same row, the same function, with a bar in the terminal."""

import sys
from collections.abc import Callable
from typing import Never, TypeVar

from django.core.management.base import CommandError
from tqdm import tqdm

from jobs.models import Job
from jobs.running import run

J = TypeVar("J", bound=Job)


def run_in_terminal(job: J, work: Callable[[J], str]) -> J:
    """Run and return the ended row. Raises CommandError with its sentence where it failed."""
    bar: tqdm[Never] = tqdm(file=sys.stderr, dynamic_ncols=True, leave=False, disable=None)
    announce = job.announce

    def draw() -> None:
        bar.total, bar.n, bar.unit = job.total or None, job.done, f" {job.unit or 'steps'}"
        bar.set_description_str(job.message[:60], refresh=False)
        bar.refresh()
        announce()

    job.announce = draw  # type: ignore[method-assign]
    try:
        run(job, work)
    except KeyboardInterrupt:
        raise CommandError("Stopped. Start it again to go on.") from None
    except Exception as exc:
        # The row has the traceback; the terminal gets the sentence.
        raise CommandError(job.error or str(exc)) from exc
    finally:
        bar.close()
    if job.status != Job.Status.SUCCEEDED:
        raise CommandError(job.error or job.message)
    return job
