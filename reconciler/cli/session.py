"""What one run of the program carries from its flags to its output.

Results go to stdout, everything else to stderr; a reader that went away stops the output, never
the work. Nothing is opened here before a command asks for it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from reconciler.apply.points import Effect
    from reconciler.bootstrap.configuration import Configuration
    from reconciler.bootstrap.workplace import Workplace
    from reconciler.render.style import Style

TRACING = 2
"""How often -v has to stand so that every effect of a run is told."""
COLOR_CHOICES = ("auto", "always", "never")


@dataclass(slots=True, kw_only=True)
class Session:
    """Global flags, output and the wish to stop."""

    chdir: str | None = None
    config: str | None = None
    quiet: bool = False
    verbosity: int = 0
    color: str = "auto"
    format: str = "text"
    """The format of the command's result; errors follow it where it is `json`."""
    stop: threading.Event = field(default_factory=threading.Event)

    def remember(self, name: str, value: Any) -> None:
        """Take the value of a global flag."""
        match name:
            case "verbose":
                self.verbosity += value
            case "no_color":
                self.color = "never" if value else self.color
            case "quiet":
                self.quiet = self.quiet or value
            case _:
                setattr(self, name, value)

    def in_folder(self) -> contextlib.AbstractContextManager[None]:
        """Give the folder that -C names as working directory, for a time.

        Raises:
            UsageError: there is no such folder.
        """
        if self.chdir is None:
            return contextlib.nullcontext()
        return _Folder(self.chdir)

    @property
    def configuration(self) -> Configuration:
        """Read the configuration file with the environment."""
        from reconciler.bootstrap.configuration import find_configuration

        return find_configuration(self.config)

    def workplace(self) -> Workplace:
        """Give the doors of the configuration, to be closed by `with`."""
        from reconciler.bootstrap.workplace import Workplace

        trace = self._trace if self.verbosity >= TRACING else None
        return Workplace(self.configuration, stop=self.stop, warn=self._warn_of, trace=trace)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Make a great many objects that live to the end of the command, as planning does, without
        being looked through for cycles again and again: that took a third of a large plan.
        Afterwards what is there is left out, and what comes is collected as ever.
        """
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()

    @property
    def style(self) -> Style:
        """Give the style for stdout."""
        return self._style(sys.stdout)

    @property
    def error_style(self) -> Style:
        """Give the style for stderr."""
        return self._style(sys.stderr)

    def show(self, text: str) -> None:
        """Write a result to stdout."""
        _write(sys.stdout, text)

    def show_parts(self, parts: Iterable[str]) -> None:
        """Write a result to stdout part by part; the last one ends its line."""
        with contextlib.suppress(BrokenPipeError):
            for part in parts:
                sys.stdout.write(part)
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """Write a remark to stderr; -q keeps it back."""
        if not self.quiet:
            _write(sys.stderr, text)

    def warn(self, text: str) -> None:
        """Write to stderr, in any case."""
        _write(sys.stderr, text)

    def _trace(self, effect: Effect) -> None:
        from reconciler.apply.points import Moment
        from reconciler.render.style import escape

        if effect.moment is Moment.BEFORE:
            self.say(f"effect {effect.number}: {effect.door} {escape(effect.name)}")

    def _warn_of(self, danger: str) -> None:
        self.warn(f"Warning: {danger}")

    def interject(self, text: str) -> None:
        """Write to stderr from within a signal's answer, where a buffer may be in use."""
        with contextlib.suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), f"{text}\n".encode())

    def _style(self, stream: TextIO) -> Style:
        from reconciler.cli.color import style_for

        return style_for(self.color, stream)


def _write(stream: TextIO, text: str) -> None:
    """Write whole lines; a reader that is gone is no error."""
    if not text:
        return
    with contextlib.suppress(BrokenPipeError):
        stream.write(text if text.endswith("\n") else f"{text}\n")
        stream.flush()


class _Folder(contextlib.chdir[str]):
    """`contextlib.chdir` with our error."""

    def __enter__(self) -> None:
        from reconciler.errors import UsageError

        try:
            super().__enter__()
        except OSError as error:
            raise UsageError(
                f"There is no folder {self.path!r} to run in: {error.strerror}.",
                advice="Check -C/--chdir.",
            ) from None
