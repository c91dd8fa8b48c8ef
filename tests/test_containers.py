"""The image and the compose file, as files: what they name exists, and nothing is open to others.

``make image-test`` builds the image and runs it.
"""

import ast
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import tomllib
import yaml
from documents import ROOT
from test_docs import problem

from pyplugin.cli.serve import PORT
from pyplugin.monitor.config import parse_config

FOLDER = ROOT / "examples" / "compose"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def image():
    """The instructions of the Dockerfile: (name, rest), their lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def of(image, name):
    return [rest for instruction, rest in image if instruction == name]


def test_the_image_has_two_stages_and_no_root(image):
    stages = of(image, "FROM")
    assert [stage.split()[0] for stage in stages] == ["${DEBIAN}", "${DEBIAN}"]
    assert of(image, "ARG")[0] == "DEBIAN=debian:bookworm-slim"
    last = [rest for name, rest in image[max(
        at for at, (name, _) in enumerate(image) if name == "FROM"
    ):] if name in ("USER", "ENTRYPOINT", "CMD", "VOLUME", "EXPOSE")]  # fmt: skip
    assert last[:-1] == ["tagnode", '["/data"]', "8080", '["tagnode"]']
    assert not any("build-essential" in rest for rest in of(image, "RUN")[2:])


def test_the_extras_of_the_image_exist_and_commands_are_known(image):
    (extras,) = (rest.partition("=")[2] for rest in of(image, "ARG") if "EXTRAS" in rest)
    assert {"page", "monitor"} <= set(extras.split(",")) <= set(EXTRAS)
    served = json.loads(of(image, "CMD")[-1])
    assert problem(served) is None
    assert served == ["serve", "--host", "0.0.0.0"]
    assert of(image, "EXPOSE") == [str(PORT)]  # where it listens unless --port says another


def test_the_image_has_the_webassembly_and_not_its_compiler(image):
    made = [rest for rest in of(image, "RUN") if " web " in rest]
    assert "web" in EXTRAS
    assert re.search(r"^web:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [rest.rpartition("&& ")[2].split()[1:] for rest in made] == [
        ["uninstall", "--yes", *(need.partition(">")[0] for need in EXTRAS["web"])]
    ]


def test_the_check_of_health_is_a_program(image):
    (check,) = of(image, "HEALTHCHECK")
    words = json.loads(check[check.index("[") :])
    assert words[:2] == ["python3", "-c"]
    ast.parse(words[2])
    assert "/healthz" in words[2]


def test_what_the_image_copies_is_not_ignored():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert all((ROOT / name).exists() for name in kept)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], *project["license-files"]} <= kept


def test_every_port_is_on_loopback(compose):
    ports = [port for each in compose["services"].values() for port in each.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == 4


def test_files_and_volumes_exist_and_images_have_a_version(compose):
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/"), name
            if source.startswith("."):
                assert (FOLDER / source).is_file(), source
                assert mode == ["ro"], source
            else:
                assert source in compose["volumes"], source
        assert set(service.get("depends_on", [])) <= set(compose["services"])
        version = service["image"].partition(":")[2]
        assert "build" in service or (version and version != "latest"), name
    assert (FOLDER / compose["services"]["monitor"]["build"] / "Dockerfile").is_file()


def test_the_monitor_of_the_compose_file_is_one_that_runs(compose):
    service = compose["services"]["monitor"]
    config = parse_config((FOLDER / "radio.toml").read_text(encoding="utf-8"))
    assert problem(service["command"]) is None
    targets = {volume.split(":")[1]: volume.split(":")[0] for volume in service["volumes"]}
    assert targets[service["command"][-1]] == "./radio.toml"
    assert config.settings.data in targets
    assert config.settings.listen == ("0.0.0.0", 8080)
    assert config.mqtt.host in compose["services"]


def test_prometheus_asks_the_monitor_with_its_token_and_grafana_asks_prometheus(compose):
    asked = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = asked["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["monitor:8080"]
    folder, _, name = job["authorization"]["credentials_file"].rpartition("/")
    shared = {
        service: {
            volume.split(":")[0]
            for volume in compose["services"][service]["volumes"]
            if volume.split(":")[1] == folder
        }
        for service in ("monitor", "prometheus")
    }
    assert name == "token"
    assert shared["monitor"] == shared["prometheus"] != set()
    assert compose["services"]["monitor"]["user"] == "65534:65534"  # who reads it there
    sources = yaml.safe_load((FOLDER / "grafana" / "datasources.yaml").read_text())["datasources"]
    assert sources[0]["url"] == "http://prometheus:9090"
    boards = yaml.safe_load((FOLDER / "grafana" / "dashboards.yaml").read_text())["providers"]
    targets = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert any(Path(target).parent == Path(boards[0]["options"]["path"]) for target in targets)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: prometheus")
def test_promtool_accepts_the_configuration(tmp_path):
    shutil.copy(FOLDER / "prometheus.yml", tmp_path)
    shutil.copy(ROOT / "examples" / "monitor" / "alerts.yml", tmp_path)
    words = ["promtool", "check", "config", "--syntax-only", "prometheus.yml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists(),
                    reason="needs mosquitto")  # fmt: skip
def test_mosquitto_accepts_its_configuration(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (FOLDER / "mosquitto.conf").read_text(encoding="utf-8")
    text = text.replace("listener 1883", f"listener {port} 127.0.0.1")
    (tmp_path / "mosquitto.conf").write_text(text.replace("/mosquitto/data/", f"{tmp_path}/"))
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    words = [program, "-c", tmp_path / "mosquitto.conf"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as broker:
        lines = []
        for line in broker.stderr:
            lines.append(line)
            if "running" in line or "Error" in line:
                break
        broker.kill()  # what it is asked at once after its start it may forget
    assert "running" in lines[-1], lines
