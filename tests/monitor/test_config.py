"""The configuration: what is read, and that every mistake is named with its line."""

import pytest

from pyplugin.errors import ConfigError
from pyplugin.monitor.config import SECTIONS, StationConfig, parse_config, read_config
from pyplugin.monitor.template import template

STATION = '[[station]]\nname = "Test FM"\nurl = "https://radio.example/live"\n'


def test_defaults_and_values():
    config = parse_config(
        '[monitor]\ndata = "/tmp/x"\nkeep_bins = "30d"\nlisten = "127.0.0.1:8080"\n'
        + STATION
        + 'kind = "talk"\n[[alarm]]\nname = "a"\nwhen = "silence"\nfor = "1m"\n'
        '[notify]\ndesk = "https://hooks.example"\n'
    )
    assert config.settings.keep_bins == 30 * 86400
    assert config.settings.listen == ("127.0.0.1", 8080)
    assert config.stations[0].kind == "talk"
    assert config.stations[0].models == ("scene",)
    assert config.alarms[0].hold == 60
    assert config.targets == {"desk": "https://hooks.example"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (STATION + "kidn = 'talk'", r"line 4: A station has no key 'kidn'; did you mean 'kind'"),
        (STATION + "kind = 'talks'", r"line 4: kind: 'talks' is unknown; did you mean 'talk'"),
        (STATION + "timeout = 10", r'line 4: timeout: 10 has no unit; write "10s"'),
        (STATION + 'timeout = "0s"', r'line 4: timeout: "0s" is out of range'),
        ('[[station]]\nname = "x"', r"line 1: A station has one of url.*'x' has none"),
        (STATION + 'command = "x"', r"line 1: .*has url and command"),
        (STATION + STATION, r"line 5: The stations 'Test FM' and 'Test FM' have names"),
        ('[[station]]\nurl = "x"', r"line 1: A station needs the key 'name'"),
        (STATION + "[[alarm]]\nname = 'a'", r"line 4: An? alarm needs the key 'when'"),
        (
            STATION + "[[alarm]]\nname = 'a'\nwhen = 'silence'\nstation = 'Test F'",
            r"line 7: There is no station 'Test F'; did you mean 'Test FM'",
        ),
        (
            STATION + "[[alarm]]\nname = 'a'\nwhen = 'silence'\nnotify = 'desk'",
            r"line 7: \[notify\] has no 'desk'; \[notify\] is empty",
        ),
        ("[monitors]\n", r"line 1: There is no section 'monitors'; did you mean 'monitor'"),
        ("[station]\nname = 'x'", r"line 1: \[station\] is repeated for each one"),
        ('[monitor]\ndisk = "2"', r'line 2: disk: .*"200MB"'),
        ('[monitor]\nlisten = "8080"', r"line 2: listen: '8080' is no address"),
        ("[notify]\ndesk = 5", r"line 2: notify.desk is 5"),
        ('[[maintenance]]\nbetween = "6-7"', r"line 2: between: '6-7' is no span"),
        ('[[maintenance]]\nbetween="6:00-7:00"\ndays=["sn"]', r"line 3: 'sn' is no day"),
        ("x = [", r"This is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(text, problem):
    with pytest.raises(ConfigError, match=problem):
        parse_config(text)


def test_all_mistakes_are_named_at_once(tmp_path):
    path = tmp_path / "radio.toml"
    path.write_text(STATION + "a = 1\nb = 2\n")
    with pytest.raises(ConfigError) as raised:
        read_config(path)
    lines = str(raised.value).splitlines()
    assert [line.startswith(f"{path}: line ") for line in lines] == [True, True]


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file.*tagnode monitor init"):
        read_config(tmp_path / "none.toml")


def test_the_template_has_every_key_and_is_valid():
    stations = [StationConfig('The "Best" FM', url="https://radio.example/live", kind="music")]
    text = template(stations, "/tmp/log")
    config = parse_config(text)
    assert config.stations[0].name == 'The "Best" FM'
    assert config.stations[0].kind == "music"
    every = "".join(line.removeprefix("# ") + "\n" for line in text.splitlines() if " = " in line)
    for section in SECTIONS.values():
        for name in section.__dataclass_fields__:
            assert f"{'for' if name == 'hold' else name} = " in every
