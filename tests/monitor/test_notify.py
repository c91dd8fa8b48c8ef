"""Notifications: each kind of target, and that what fails is tried again and kept in order."""

import base64
import http.server
import json
import socket
import sys
import threading
from dataclasses import asdict

import pytest
from frames import until

from pyplugin.errors import PypluginError
from pyplugin.monitor import notify
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.config import Settings
from pyplugin.monitor.notify import Message, Notifier, UndeliveredError, sender
from pyplugin.monitor.times import now_ms
from pyplugin.monitor.writer import LogWriter


def message(number=1, **more):
    given = {"edge": "opened", "time": 5000, "start": 0, "end": None, "reason": "", **more}
    return Message("Test FM", "silence", **given, alarm=number, text=f"It is silent: {number}.")


@pytest.fixture
def hook():
    """A server that keeps what is posted and answers with what `codes` has, 200 at its end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.authorizations.append(self.headers["Authorization"])
            code = self.server.codes.pop(0) if self.server.codes else 200
            if code == 200:
                self.server.posts.append(body)
            self.send_response(code)
            self.end_headers()

        def log_message(self, *about):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.codes, server.posts, server.authorizations = [], [], []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield server
        server.shutdown()


def test_a_webhook_gets_the_message_as_json(hook):
    sender(hook.url)(message(7))
    assert hook.posts == [asdict(message(7))]


def test_a_refusal_names_the_address_without_its_secrets(hook):
    hook.codes = [503]
    secret = hook.url.replace("http://", "http://user:secret@") + "?token=secret"
    with pytest.raises(UndeliveredError, match="answered 503") as raised:
        sender(secret)(message())
    assert "secret" not in str(raised.value)
    sender(secret)(message())
    assert hook.authorizations[-1] == "Basic " + base64.b64encode(b"user:secret").decode()


def test_a_command_gets_the_sentence_and_the_json(tmp_path):
    script = tmp_path / "take.py"
    script.write_text(
        "import pathlib, sys\n"
        "pathlib.Path(sys.argv[1]).write_text(sys.argv[2] + '\\n' + sys.stdin.read())\n"
    )
    out = tmp_path / "out"
    sender(f"cmd: {sys.executable} {script} {out}")(message(3))
    sentence, text = out.read_text().split("\n")
    assert sentence == "It is silent: 3."
    assert json.loads(text) == asdict(message(3))


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("cmd: ", "empty"),
        ("cmd: /no/such/program", "/no/such/program"),
        ("cmd: false", "false"),
        ("http://127.0.0.1:9/", "127.0.0.1:9"),
        ("nothing://secret", "of this form: nothing"),
    ],
)
def test_what_cannot_be_sent_is_a_sentence(address, problem):
    with pytest.raises(PypluginError, match=problem) as raised:
        sender(address)(message())
    assert "secret" not in str(raised.value)


def test_apprise_sends_where_it_can(hook):
    pytest.importorskip("apprise", reason="needs apprise")
    sender(hook.url.replace("http://", "json://"))(message(5))
    assert hook.posts[0]["message"] == "It is silent: 5."
    assert hook.posts[0]["title"] == "Test FM: silence"


def test_what_fails_is_tried_again_in_order(hook, tmp_path, monkeypatch):
    monkeypatch.setattr(notify, "PAUSES", (0.05, 0.05))
    hook.codes = [500, 503, 500]
    writer = LogWriter(Settings(str(tmp_path)), lambda *about: None)
    notifier = Notifier({"desk": hook.url}, writer)
    writer.start(lambda: None)
    notifier.start()
    try:
        for number in range(1, 6):
            each = message(number, time=now_ms())
            writer.do(lambda store, each=each: notifier.send(each, ["desk", "none"]))
        assert until(lambda: len(hook.posts) == 5)
        assert [each["alarm"] for each in hook.posts] == [1, 2, 3, 4, 5]
        assert until(lambda: notifier.state()["desk"]["sent"] == 5)
        state = notifier.state()["desk"]
        assert (state["sent"], state["failed"], state["failure"]) == (5, 3, "")
    finally:
        notifier.stop()
        writer.stop()


def test_a_target_that_hangs_holds_nobody_up_and_gets_each_message_once(
    hook, tmp_path, monkeypatch
):
    monkeypatch.setattr(notify, "PAUSES", (0.05,))
    monkeypatch.setattr(notify, "_TIMEOUT", 0.3)
    silent = socket.create_server(("127.0.0.1", 0))  # it accepts and never answers
    port = silent.getsockname()[1]
    writer = LogWriter(Settings(str(tmp_path)), lambda *about: None)
    notifier = Notifier({"desk": hook.url, "late": f"http://127.0.0.1:{port}/hook"}, writer)
    writer.start(lambda: None)
    notifier.start()
    try:
        for number in range(1, 4):
            each = message(number, time=now_ms())
            writer.do(lambda store, each=each: notifier.send(each, ["desk", "late"]))
        assert until(lambda: notifier.state()["late"]["failed"] >= 2)
        assert [each["alarm"] for each in hook.posts] == [1, 2, 3]
        assert writer.query(lambda store: 7, timeout=5.0) == 7  # the log goes on
        hook.posts.clear()
        silent.close()
        notifier.set_targets({"desk": hook.url, "late": hook.url})
        assert until(lambda: len(hook.posts) >= 3)
        assert until(lambda: notifier.state()["late"]["sent"] == 3)
        assert [each["alarm"] for each in hook.posts] == [1, 2, 3]
    finally:
        notifier.stop()
        writer.stop()


def test_a_full_disk_keeps_no_message_back_and_sends_none_twice(hook, tmp_path, monkeypatch):
    monkeypatch.setattr(notify, "PAUSES", (0.05,))
    hook.codes = [503]
    writer = LogWriter(Settings(str(tmp_path)), lambda *about: None)
    notifier = Notifier({"desk": hook.url}, writer)
    run = writer.store._database.execute
    writer.start(lambda: None)
    try:
        writer.query(lambda store: notifier.send(message(1, time=now_ms()), ["desk"]))
        writer.query(lambda store: run("PRAGMA query_only = 1"))  # as a disk mounted read-only
        for number in (2, 3):
            each = message(number, time=now_ms())
            writer.query(lambda store, each=each: notifier.send(each, ["desk"]))
        notifier.start()
        assert until(lambda: notifier.state()["desk"]["sent"] == 3)
        writer.query(lambda store: run("PRAGMA query_only = 0"))
        writer.query(lambda store: notifier.send(message(4, time=now_ms()), ["desk"]))
        assert until(lambda: notifier.state()["desk"]["sent"] == 4)
        assert [each["alarm"] for each in hook.posts] == [1, 2, 3, 4]
        waits = "SELECT count(*) FROM delivery"
        assert until(lambda: writer.query(lambda store: run(waits).fetchone()[0]) == 0)
    finally:
        notifier.stop()
        writer.stop()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("silence", "opened", 30_000, 10_000), "Test FM: silence since"),
        (Change("silence", "repeated", 90_000, 10_000), "Test FM: still silence since"),
        (
            Change("silence", "closed", 75_000, 10_000, 72_000, "over"),
            "Test FM: silence is over after 1m2s.",
        ),
        (
            Change("silence", "closed", 75_000, 10_000, 72_000, "down"),
            "Test FM: silence is over after 1m2s; no audio arrives.",
        ),
    ],
)
def test_a_change_is_a_sentence(change, text):
    assert Message.of("Test FM", change, 1, None).text.startswith(text)
