"""Where tasks run: in this process, or wherever ``joblib.parallel_config`` says.

Each result is handed on as soon as it is there, so that it is not lost when a worker dies later.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import joblib
from joblib.parallel import get_active_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ROUND = 4  # tasks a worker, where a backend returns all results at once
_IN_FLIGHT = 2  # tasks a worker, so that none waits for the next one


def count_workers() -> int:
    """Return how many tasks run at the same time."""
    return int(joblib.effective_n_jobs(None))


def run_tasks[T](
    function: Callable[..., T], shared: Sequence[Any], tasks: Iterator[dict[str, Any]]
) -> Iterator[T]:
    """Call a function for each of some tasks.

    Args:
        function: Takes the shared arguments, and those of a task by name.
        shared: What all tasks need. Large arrays are sent to the workers once.
        tasks: The arguments of the tasks, asked for one by one.

    Yields:
        The results, in any order.

    Raises:
        Exception: What the function or, where a worker died, the backend raises.
    """
    n_workers = count_workers()
    backend, _ = get_active_backend()
    if n_workers == 1:
        yield from (function(*shared, **task) for task in tasks)
    elif type(backend).__module__.startswith("ray."):
        yield from _run_on_ray(function, shared, tasks, n_workers)
    elif backend.supports_return_generator:
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(function)(*shared, **task) for task in tasks)
    else:
        with joblib.Parallel(batch_size=1) as parallel:
            while some := list(islice(tasks, _ROUND * n_workers)):
                yield from parallel(joblib.delayed(function)(*shared, **task) for task in some)


def _run_on_ray[T](
    function: Callable[..., T],
    shared: Sequence[Any],
    tasks: Iterator[dict[str, Any]],
    n_workers: int,
) -> Iterator[T]:
    """Call a function by Ray's own tasks.

    joblib's backend for Ray makes a pool of actors for each call, which takes seconds, sends all
    arguments with each task, and loses all results when a worker dies. Ray itself tries tasks
    again whose worker died.
    """
    import ray  # noqa: PLC0415 an extra

    remote = ray.remote(function)
    references = [ray.put(each) for each in shared]
    flying: list[Any] = []
    error: Exception | None = None
    try:
        while error is None or flying:
            room = 0 if error else _IN_FLIGHT * n_workers - len(flying)
            flying += [remote.remote(*references, **task) for task in islice(tasks, room)]
            if not flying:
                break
            done, flying = ray.wait(flying)
            try:
                result = ray.get(done[0])
            except Exception as caught:  # noqa: BLE001 raised when the others are there
                error = caught
            else:
                yield result
    finally:
        for reference in flying:
            ray.cancel(reference)
    if error is not None:
        raise error
