"""Notifications: each target has a thread and a queue in the database, so none holds up another."""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.rules import Rule
from pyplugin.monitor.storage import Store
from pyplugin.monitor.times import format_duration, local, now_ms
from pyplugin.monitor.writer import LogWriter
from pyplugin.support.optional import need

PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds before each new attempt; the last one stays."""

_TIMEOUT = 15.0  # seconds that a target may take
_HELD = 1000  # messages of a target that are kept in memory at most
_KEPT = 3 * 86_400_000  # milliseconds after which an undelivered message is given up


@dataclass(frozen=True)
class Message:
    """What is sent of an alarm.

    Attributes
    ----------
    station, rule
        Names.
    edge
        ``"opened"``, ``"repeated"`` or ``"closed"``.
    time, start, end
        Milliseconds of UTC; ``end`` of one that closed.
    reason
        Why it closed.
    alarm
        Its number in the log; ``None`` if it could not be written.
    text
        One sentence.
    values
        What the rule compares.
    """

    station: str
    rule: str
    edge: str
    time: int
    start: int
    end: int | None
    reason: str
    alarm: int | None
    text: str
    values: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, station: str, change: Change, alarm: int | None, rule: Rule | None) -> Message:
        """Return the message of a change.

        Examples
        --------
        >>> change = Change("silence", "opened", 1_000_020_000, 1_000_000_000)
        >>> Message.of("Test FM", change, 7, None).text.partition(" since ")[0]
        'Test FM: silence'
        """
        clock = local(change.start).strftime("%H:%M:%S")
        what = str(rule.condition) if rule is not None else ""
        meaning = f" ({what})" if what and what != change.rule else ""
        if change.edge == "closed":
            lasted = format_duration(round(((change.end or change.time) - change.start) / 1000))
            ended = {"removed": "its rule was removed", "down": "no audio arrives"}
            why = f"; {ended[change.reason]}" if change.reason in ended else ""
            text = f"{station}: {change.rule} is over after {lasted}{why}."
        else:
            still = "still " if change.edge == "repeated" else ""
            text = f"{station}: {still}{change.rule} since {clock}{meaning}."
        return cls(
            *(station, change.rule, change.edge, change.time, change.start, change.end),
            *(change.reason, alarm, text, change.values),
        )


Send = Callable[[Message], None]
"""Sends a message, or raises; takes at most some fifteen seconds."""


class UndeliveredError(PypluginError):
    """A message could not be sent; it is tried again.

    Examples
    --------
    >>> raise UndeliveredError("https://hooks.example answered 503.")
    Traceback (most recent call last):
        ...
    pyplugin.monitor.notify.UndeliveredError: https://hooks.example answered 503.
    """

    exit_code = 1


def sender(address: str) -> Send:
    """Return what sends to an address.

    Parameters
    ----------
    address
        ``http://…`` or ``https://…``: the message as JSON by POST. ``"cmd: …"``: a command with the
        sentence as its last argument and the JSON at its standard input. Anything else is for
        apprise: ``ntfys://…``, ``mailtos://…``, ``tgram://…``.

    Raises
    ------
    PypluginError
        Nothing can send there; the sentence has no password.
    """
    if address.startswith(("http://", "https://")):
        return lambda message: _post(address, message)
    if address.startswith("cmd:"):
        words = shlex.split(address[4:])
        if not words:
            raise UndeliveredError("The command after 'cmd:' is empty.")
        return lambda message: _command(words, message)
    apprise = need(
        "apprise",
        package="apprise",
        extra="notify",
        purpose="Sending to other services than webhooks",
    )
    service = apprise.Apprise()
    scheme = address.partition(":")[0]
    if not service.add(address):
        raise UndeliveredError(f"apprise cannot send to an address of this form: {scheme}://…")

    def send(message: Message) -> None:
        title = f"{message.station}: {message.rule}"
        if not service.notify(title=title, body=message.text):
            raise UndeliveredError(f"{scheme}: the service did not take the message.")

    return send


def _post(address: str, message: Message) -> None:
    parts = urllib.parse.urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    where = f"{host}{parts.path}"
    headers = {"Content-Type": "application/json", "User-Agent": "tagnode"}
    if user:
        plain = urllib.parse.unquote(user).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(plain).decode()
    request = urllib.request.Request(
        urllib.parse.urlunsplit(parts._replace(netloc=host)),
        data=json.dumps(asdict(message)).encode(),
        headers=headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise UndeliveredError(f"{where} answered {error.code}.") from error
    except (OSError, ValueError) as error:
        raise UndeliveredError(f"{where}: {error}.") from error


def _command(words: Sequence[str], message: Message) -> None:
    try:
        subprocess.run(
            [*words, message.text],
            input=json.dumps(asdict(message)).encode(),
            check=True,
            timeout=_TIMEOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UndeliveredError(f"{words[0]}: {error}.") from error


class _Target:
    """One target: a thread that sends what the database has for it, oldest first."""

    def __init__(self, name: str, address: str, writer: LogWriter) -> None:
        self.name, self.address = name, address
        self._writer = writer
        self._wake, self._stopped = threading.Event(), threading.Event()
        self.failure = ""
        self.sent = self.failed = 0
        self.held: deque[str] = deque(maxlen=_HELD)
        """Messages that the database could not take: its disk is full."""
        self._gone: set[int] = set()  # numbers of those that are sent and still in the database
        self._thread = threading.Thread(target=self._run, name=f"notify {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self, timeout: float) -> None:
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        failures = 0
        send: Send | None = None
        while not self._stopped.is_set():
            waiting = self._writer.query(self._next)
            if waiting is None and not self.held:
                self._wake.wait(60.0)
                self._wake.clear()
                continue
            text = self.held[0] if waiting is None else waiting["message"]
            try:
                send = send or sender(self.address)
                send(Message(**json.loads(text)))
            except Exception as error:
                self.failed += 1
                self.failure = str(error)
                if waiting is not None and now_ms() - waiting["created"] > _KEPT:
                    self._forget(waiting["id"])
                self._stopped.wait(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
                continue
            failures, self.failure = 0, ""
            self.sent += 1
            if waiting is None:
                self.held.popleft()
            else:
                self._forget(waiting["id"])

    def _forget(self, number: int) -> None:
        self._gone.add(number)
        self._writer.query(self._clear)

    def _clear(self, store: Store) -> None:
        """Delete what is sent; on a full disk that fails, and is done later."""
        for number in tuple(self._gone):
            with contextlib.suppress(sqlite3.Error):
                store.delivered(number)
                self._gone.discard(number)

    def _next(self, store: Store) -> sqlite3.Row | None:
        self._clear(store)
        return store.next_delivery(self.name, tuple(self._gone))


class Notifier:
    """Sends messages to targets.

    Parameters
    ----------
    targets
        Address by name.
    writer
        Whose database keeps what waits.
    """

    def __init__(self, targets: Mapping[str, str], writer: LogWriter) -> None:
        self._writer = writer
        self._targets = {name: _Target(name, address, writer) for name, address in targets.items()}

    def start(self) -> None:
        """Begin to send, what waited before included."""
        for target in self._targets.values():
            target.start()

    def send(self, message: Message, names: Sequence[str]) -> None:
        """Queue a message for targets; on the writer's thread."""
        for name in names:
            target = self._targets.get(name)
            if target is None:
                continue
            text = json.dumps(asdict(message))
            if target.held or not self._queued(name, text, message.time):
                target.held.append(text)
            target.wake()

    def _queued(self, name: str, text: str, time: int) -> bool:
        """Return whether the database keeps a message until it is sent."""
        try:
            self._writer.store.queue(name, text, time)
        except sqlite3.Error:
            return False
        return True

    def set_targets(self, targets: Mapping[str, str]) -> None:
        """Go on with other targets."""
        before = self._targets
        self._targets = {
            name: before[name]
            if name in before and before[name].address == address
            else _Target(name, address, self._writer)
            for name, address in targets.items()
        }
        for name, target in before.items():
            if self._targets.get(name) is not target:
                target.stop(0.1)
        for name, target in self._targets.items():
            if before.get(name) is not target:
                target.start()

    def stop(self) -> None:
        """End; what was not sent waits for the next start."""
        for target in self._targets.values():
            target.stop(2.0)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return ``sent``, ``failed`` and the last ``failure`` by target."""
        return {
            name: {"sent": each.sent, "failed": each.failed, "failure": each.failure}
            for name, each in self._targets.items()
        }
