"""A fine-tune on all the cards of a machine, one process each; the first is the caller's."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import multiprocessing

from training.clip.config import Config
from training.clip.cpu import prepare_cpu
from training.clip.crew import Crew
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.finetune import finetune
from training.clip.progress import Outcome

# Seconds that the others get to end by themselves once the first process is through.
PATIENCE = 10.0


def finetune_everywhere(
    encoder: DualEncoder,
    train: Sequence[Pair],
    validation: Sequence[Pair],
    config: Config,
    folder: Path,
    *,
    processes: int | None = None,
    **rest: Any,
) -> Outcome:
    """`finetune` in so many processes, by default one for each card; same losses, larger share."""
    processes = processes or max(1, torch.cuda.device_count())
    if processes == 1:
        return finetune(encoder, train, validation, config, folder, **rest)
    port = _free_port()
    threads = torch.get_num_threads()
    work = (encoder, train, validation, config, folder)
    files = (rest.get("state_file"), rest.get("cache_folder"))
    others = [
        multiprocessing.get_context("spawn").Process(
            target=_follow, args=(rank, processes, port, threads, *work, *files), daemon=True
        )
        for rank in range(1, processes)
    ]
    should_stop = rest.pop("should_stop")

    def watched() -> bool:
        if any(other.exitcode for other in others):
            raise TrainingError(
                "One of the processes of the run died, perhaps for want of memory; its reason is "
                "in the log of the worker. Start the run again, with a smaller micro_batch."
            )
        return bool(should_stop())

    for other in others:
        other.start()
    try:
        with _crew(0, processes, port) as crew:
            return finetune(
                encoder, train, validation, config, folder,
                crew=crew, should_stop=watched, **rest,
            )  # fmt: skip
    finally:
        until = time.monotonic() + PATIENCE
        for other in others:
            other.join(max(0.0, until - time.monotonic()))
            other.kill()


def _follow(
    rank: int,
    processes: int,
    port: int,
    threads: int,
    encoder: DualEncoder,
    train: Sequence[Pair],
    validation: Sequence[Pair],
    config: Config,
    folder: Path,
    state_file: Path | None,
    cache_folder: Path | None,
) -> None:
    """The same run, silent, which leaves nothing on disk."""
    prepare_cpu(threads)
    silent: Callable[..., None] = lambda *told: None  # noqa: E731
    with _crew(rank, processes, port) as crew:
        finetune(
            encoder, train, validation, config, folder, crew=crew,
            on_step=silent, on_epoch=silent, on_read=silent, should_stop=lambda: False,
            state_file=state_file, cache_folder=cache_folder,
        )  # fmt: skip


@contextmanager
def _crew(rank: int, processes: int, port: int) -> Iterator[Crew]:
    """A process group for the time of the block; the environment is as before afterwards."""
    wanted = {
        "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
        # Where it is unset, accelerate would choose a number of threads and warn.
        "OMP_NUM_THREADS": torch.get_num_threads(),
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: str(value) for name, value in wanted.items()})
    try:
        crew = Crew()
        try:
            yield crew
        finally:
            crew.leave()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
