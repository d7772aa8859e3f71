"""Stop code that does not end, wherever it is."""

import _thread
import contextlib
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator

SECONDS = 1.5  # for all calls of one check
MOST_SECONDS = 30  # with all that is imported meanwhile


class TimeUp(BaseException):
    """The time is over. Not an Exception, or the student's ``except`` might catch it."""


def limited(function: Callable, *arguments: object) -> object:
    """Call a function; inside a ``time_limit`` this is where ``TimeUp`` may be raised.

    Only here: an interrupt that came while a ``with`` is being left would skip what it restores.
    """
    return function(*arguments)


@contextlib.contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """When the time is over, raise ``TimeUp`` in what is ``limited``, again until that is left.

    A Python loop can be interrupted everywhere; one long call into NumPy or PyTorch only at its
    end. Whatever is imported for the first time starts the time anew: the first optimiser of
    PyTorch loads for seconds. Signals exist in the main thread only, elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    start = time.monotonic()
    end, loaded = start + seconds, len(sys.modules)
    ours = tried = False  # plain names: a lock would not suit a handler of signals
    left = threading.Event()

    def interrupt() -> None:
        nonlocal ours
        while not left.wait(max(end - time.monotonic(), 0.05)):
            ours = True
            _thread.interrupt_main()  # the one way that Windows has too

    def stop(_: int, frame: types.FrameType | None) -> None:
        nonlocal end, loaded, ours, tried
        if not ours:
            raise KeyboardInterrupt  # the student's own
        ours = False
        frames, now = _limited_frames(frame), time.monotonic()
        if len(sys.modules) > loaded and now < start + MOST_SECONDS:
            end, loaded = now + seconds, len(sys.modules)
        elif now >= end and frames:
            if tried:  # and swallowed by a bare `except`
                _raise_on_every_line(frames)
            tried = True
            raise TimeUp

    tracing, before = sys.gettrace(), signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, stop)
    watch = threading.Thread(target=interrupt, daemon=True)
    watch.start()
    try:
        yield
    finally:
        left.set()
        watch.join()
        sys.settrace(tracing)
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


def _limited_frames(frame: types.FrameType | None) -> list[types.FrameType]:
    """The frames inside the call to ``limited``, innermost first; none if there is no such call."""
    inside = []
    while frame is not None and frame.f_code is not limited.__code__:
        inside.append(frame)
        frame = frame.f_back
    return inside if frame is not None else []


def _raise_on_every_line(frames: list[types.FrameType]) -> None:
    """Let the next line of the student's code raise too, even one in an ``except``."""

    def on_a_line(frame: types.FrameType, event: str, _: object) -> object:
        if event == "line":
            raise TimeUp
        return on_a_line

    sys.settrace(lambda *_: None)  # or the frames' own tracing is not looked at
    for frame in frames:
        # not in a library: tracing ends with the first raise, and the `except` is the student's
        if frame.f_globals is frames[-1].f_globals:
            frame.f_trace = on_a_line
