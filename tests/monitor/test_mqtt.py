"""MQTT through a real broker: states, alarms, the last will, and a broker that goes and comes."""

import contextlib
import json
import shutil
import socket
import subprocess
import time

import pytest
from frames import until
from radio import free_port

from pyplugin.errors import ConfigError
from pyplugin.monitor.config import MqttConfig
from pyplugin.monitor.mqtt import MqttPublisher
from pyplugin.monitor.notify import Message

mqtt = pytest.importorskip("paho.mqtt.client")
pytestmark = pytest.mark.skipif(shutil.which("mosquitto") is None, reason="needs mosquitto")


class Broker:
    """mosquitto on loopback, without persistence."""

    def __init__(self, folder):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        )
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            ["mosquitto", "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert until(self._answers)

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def stop(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path)
    yield made
    made.stop()


@contextlib.contextmanager
def subscriber(broker):
    """Return what arrives: payload by topic, and all messages."""
    latest, every = {}, []

    def take(client, data, message):
        latest[message.topic] = message.payload.decode()
        every.append((message.topic, message.payload.decode()))

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = take
    client.on_connect = lambda client, *about: client.subscribe("#", qos=1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        yield latest, every
    finally:
        client.disconnect()
        client.loop_stop()


STATE = {
    **{"station": "Test FM", "on_air": "music", "title": "Bänd - Song", "down": False},
    **{"alarms": ["silence"], "values": {"signal.loudness_short": -14.3}},
}


@pytest.fixture
def publisher(broker):
    made = MqttPublisher(MqttConfig(host="127.0.0.1", port=broker.port), lambda: [STATE])
    made.start()
    yield made
    made.stop()


def message(number):
    return Message("Test FM", "silence", "opened", number, 0, None, "", number, f"{number}.")


def test_states_discovery_and_alarms(broker, publisher):
    with subscriber(broker) as (latest, _):
        assert until(lambda: len(latest) >= 3)
        assert latest["tagnode/status"] == "online"
        state = json.loads(latest["tagnode/test-fm/state"])
        assert (state["on_air"], state["title"], state["problem"]) == ("music", "Bänd - Song", True)
        found = json.loads(latest["homeassistant/device/tagnode_test-fm/config"])
        assert found["state_topic"] == "tagnode/test-fm/state"
        assert {each["unique_id"] for each in found["cmps"].values()} == {
            f"tagnode_test-fm_{key}" for key in ("on_air", "title", "loudness", "problem")
        }
        publisher.alarm(message(7))
        assert until(lambda: "tagnode/test-fm/alarm" in latest)
        assert json.loads(latest["tagnode/test-fm/alarm"])["alarm"] == 7


def test_the_last_will_comes_when_it_is_gone(broker, publisher):
    assert until(lambda: publisher.connected)
    with subscriber(broker) as (latest, _):
        assert until(lambda: latest.get("tagnode/status") == "online")
        publisher._client._sock.shutdown(socket.SHUT_RDWR)  # as a lost network does
        publisher._client.loop_stop()
        assert until(lambda: latest["tagnode/status"] == "offline")


def test_an_ordinary_end_is_said_too(broker):
    made = MqttPublisher(MqttConfig(host="127.0.0.1", port=broker.port), lambda: [STATE])
    made.start()
    assert until(lambda: made.connected)
    made.stop()
    with subscriber(broker) as (latest, _):
        assert until(lambda: latest.get("tagnode/status") == "offline")


def test_a_broker_that_restarts_gets_all_alarms_once_in_order_and_the_states_again(
    broker, publisher
):
    assert until(lambda: publisher.connected)
    broker.stop()
    assert until(lambda: not publisher.connected)
    for number in range(5):
        publisher.alarm(message(number))
    broker.start()
    with subscriber(broker) as (latest, every):
        alarms = lambda: [  # noqa: E731
            json.loads(text)["alarm"] for topic, text in every if topic.endswith("/alarm")
        ]
        publisher.alarm(message(5))
        assert until(lambda: 5 in alarms())
        time.sleep(0.3)
        received = alarms()  # those from before this subscription may have gone by
        assert received == sorted(set(received))
        assert until(lambda: "tagnode/test-fm/state" in latest)


def test_a_broker_that_is_not_there_holds_up_nothing():
    made = MqttPublisher(MqttConfig(host="127.0.0.1", port=free_port()), lambda: [STATE])
    begun = time.monotonic()
    made.start()
    for number in range(2000):
        made.alarm(message(number))
    made.stop()
    assert time.monotonic() - begun < 10


def test_a_password_that_cannot_be_read_is_named(tmp_path):
    config = MqttConfig(username="x", password_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"password_file .*: no such file"):
        MqttPublisher(config, lambda: [])
