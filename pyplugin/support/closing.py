"""What is closed at the end of a ``with`` statement."""

from typing import TypeVar

from pyplugin.errors import PypluginError

Closed = TypeVar("Closed", bound="Closing")


class Closing:
    """A context manager that calls its :meth:`close`.

    Examples
    --------
    >>> class Door(Closing):
    ...     def close(self) -> None:
    ...         print("closed")
    >>> with Door() as door:
    ...     print("open")
    open
    closed
    """

    def close(self) -> None:
        """Release what is open. Closing twice is harmless."""
        raise NotImplementedError

    def __reduce_ex__(self, protocol: object) -> str:
        raise PypluginError(
            f"A {type(self).__name__} cannot be copied or pickled: what it holds would be closed "
            "twice. Create another one."
        )

    def __enter__(self: Closed) -> Closed:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
