"""MQTT: the state of each station, its alarms, and discovery for Home Assistant."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyplugin.errors import ConfigError
from pyplugin.monitor.config import MqttConfig
from pyplugin.monitor.notify import Message
from pyplugin.support.optional import need
from pyplugin.support.spelling import slug

_INTERVAL = 1.0  # seconds between two looks at the states; only what changed is sent
_QUEUE = 1000  # messages that wait for a broker at most

Status = Callable[[], Sequence[dict[str, Any]]]
"""Returns the state of each station, as :meth:`pyplugin.monitor.service.Service.status`."""


class MqttPublisher:
    """Publishes to a broker; whether that is there holds up nothing.

    =============================  =================================================================
    ``<topic>/status``             ``online`` or ``offline``, retained; offline is the last will
    ``<topic>/<station>/state``    what is on air as JSON, retained, on each change
    ``<topic>/<station>/alarm``    each change of an alarm as JSON, QoS 1
    =============================  =================================================================

    Parameters
    ----------
    config
        The broker.
    status
        Asked once a second.

    Raises
    ------
    ConfigError
        The file with the password cannot be read.
    """

    def __init__(self, config: MqttConfig, status: Status) -> None:
        mqtt = need("paho.mqtt.client", package="paho-mqtt", extra="monitor", purpose="MQTT")
        self._config, self._status = config, status
        self._sent: dict[str, str] = {}
        self._wake, self._stopped = threading.Event(), threading.Event()
        self.connected = False
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        if config.username:
            client.username_pw_set(config.username, _password(config.password_file))
        if config.tls:
            client.tls_set()
        client.will_set(f"{config.topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 60)
        client.max_queued_messages_set(_QUEUE)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, and to publish once connected."""
        self._client.connect_async(self._config.host or "localhost", self._config.port)
        self._client.loop_start()
        self._thread.start()

    def alarm(self, message: Message) -> None:
        """Publish a change of an alarm."""
        topic = f"{self._config.topic}/{slug(message.station)}/alarm"
        self._client.publish(topic, json.dumps(asdict(message)), qos=1)

    def stop(self) -> None:
        """Say that it is offline, and disconnect."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        if self.connected:
            sent = self._client.publish(f"{self._config.topic}/status", "offline", 1, retain=True)
            sent.wait_for_publish(2.0)
        client = self._client
        client.disconnect()
        client.loop_stop()
        # it refers to this object, so it would keep its sockets until a collection
        client.on_connect = client.on_disconnect = client.on_message = None
        connection = client.socket()
        if connection is not None:
            connection.close()

    # ---- paho's thread

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            return
        self.connected = True
        client.subscribe(f"{self._config.discovery}/status")
        self._announce()

    def _on_disconnect(self, *about: Any) -> None:
        self.connected = False

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        """Announce all again once Home Assistant is back."""
        if message.payload == b"online":
            self._announce()

    def _announce(self) -> None:
        """Have everything published again: a broker without persistence has forgotten it."""
        self._sent.clear()
        self._client.publish(f"{self._config.topic}/status", "online", qos=1, retain=True)
        self._wake.set()

    # ---- its own thread

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self.connected:
                for state in self._status():
                    self._publish(
                        f"{self._config.topic}/{slug(str(state['station']))}/state", state
                    )
                    self._discover(str(state["station"]))
            self._wake.wait(_INTERVAL)
            self._wake.clear()

    def _publish(self, topic: str, state: dict[str, Any]) -> None:
        values = state["values"]
        loudness = values.get("signal.loudness_short")
        content = {
            "on_air": state["on_air"] or "unknown",
            "title": state["title"],
            "down": state["down"],
            "alarms": state["alarms"],
            "problem": bool(state["alarms"]),
            "loudness": None if loudness is None else round(loudness),
        }
        self._once(topic, json.dumps(content, ensure_ascii=False))

    def _once(self, topic: str, payload: str) -> None:
        if self._sent.get(topic) != payload:
            self._sent[topic] = payload
            self._client.publish(topic, payload, qos=0, retain=True)

    def _discover(self, station: str) -> None:
        config, name = self._config, slug(station)
        if not config.discovery:
            return
        component: dict[str, dict[str, Any]] = {
            "on_air": {"p": "sensor", "name": "On air"},
            "title": {"p": "sensor", "name": "Title"},
            "loudness": {"p": "sensor", "name": "Loudness", "unit_of_measurement": "LUFS"},
            "problem": {"p": "binary_sensor", "name": "Alarm", "device_class": "problem"},
        }
        for key, each in component.items():
            flag = each["p"] == "binary_sensor"
            read = f"value_json.{key}"
            each["unique_id"] = f"tagnode_{name}_{key}"
            each["value_template"] = (
                f"{{{{ 'ON' if {read} else 'OFF' }}}}" if flag else f"{{{{ {read} }}}}"
            )
        payload = {
            "dev": {"ids": f"tagnode_{name}", "name": station, "mf": "tagnode"},
            "o": {"name": "tagnode"},
            "cmps": component,
            "state_topic": f"{config.topic}/{name}/state",
            "avty_t": f"{config.topic}/status",
        }
        self._once(f"{config.discovery}/device/tagnode_{name}/config", json.dumps(payload))


def _password(path: str) -> str | None:
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"[mqtt] password_file '{path}': {reason.lower()}.") from error
