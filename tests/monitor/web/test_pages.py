"""The pages in a real browser: what a person sees and does, and what is reported."""

import csv
import io
import json
import threading
import urllib.request
from datetime import date
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from browser import DESK, PHONE, faults_for_people, tab, wider_than_its_window
from frames import until
from made_up_radio import MARKUP, MadeUpRadio, day_of_length, many_segments, typical
from stream_server import encoded, serving

from pyplugin.monitor.config import parse_config
from pyplugin.monitor.service import Service
from pyplugin.monitor.storage import Log, day_of
from pyplugin.monitor.times import now_ms
from pyplugin.monitor.web.pages import PAGES
from pyplugin.web import access as access_module
from pyplugin.web.access import COOKIE

SHOWN = {  # what is there once a page shows its content
    "live": ".station:nth-child(4)",
    "log": ".body .row",
    "day": ".card:nth-child(4) .ribbon",
    "alarms": ".cards .alarm",
    "health": ".verdict[data-ok]",
}
BERLIN = ZoneInfo("Europe/Berlin")


def holds(page, expression):
    """Wait until it does; the page's own policy forbids what playwright would do."""
    return until(lambda: page.evaluate(expression))


def twin(address, name, query=""):
    """The JSON of a page."""
    with urllib.request.urlopen(f"{address}/{name}.json{query}", timeout=60) as response:
        return json.load(response)


@pytest.mark.parametrize(
    ("scheme", "size", "other"), [("light", DESK, PHONE), ("dark", PHONE, DESK)]
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_page_is_for_everybody_and_for_a_phone(browser, served, page, scheme, size, other):
    with tab(browser, served + page.path, color_scheme=scheme, viewport=size) as shown:
        shown.wait_for_selector(SHOWN[page.name])
        assert faults_for_people(shown) == []
        assert wider_than_its_window(shown) == 0
        shown.set_viewport_size(other)
        assert wider_than_its_window(shown) == 0
        assert shown.locator("nav [aria-current=page]").inner_text() == page.title
        assert shown.locator("#json").get_attribute("href").startswith(f"{page.name}.json")


def test_live_shows_the_states_of_its_json(browser, served):
    expected = {each["station"]: each for each in twin(served, "live")["stations"]}
    with tab(browser, served) as page:
        page.wait_for_selector(SHOWN["live"])
        for row in page.locator(".station").all():
            station = expected[row.locator("h2").inner_text()]
            kind = station["on_air"] if station["state"] == "on air" else station["state"]
            assert row.locator(".now .chip").inner_text() == kind
            assert row.locator(".title").inner_text() == (station["title"] or "No title")
            level = row.locator(".level").inner_text().replace("−", "-")
            assert level == ("–" if station["loudness"] is None else f"{station['loudness']:.1f}")
            alarms = [alarm["rule"] for alarm in station["open_alarms"]]
            assert row.locator(".alarms a").all_inner_texts() == alarms
        strip = page.locator(".strip").first
        assert "music" in strip.get_attribute("aria-label")
        drawn = page.evaluate(
            "(c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size)"
            "(document.querySelector('.strip'))"
        )
        assert drawn > 20  # colours


def test_markup_in_a_title_is_text(browser, served):
    with tab(browser, served) as page:
        page.wait_for_selector(SHOWN["live"])
        titles = page.locator(".title").all_inner_texts()
        assert MARKUP in titles
        assert page.locator(".station img, .station b").count() == 0
        page.goto(f"{served}/log?station=Deutschland+Wort")
        page.wait_for_selector(".body .row")
        assert page.locator(".body .row .titles").first.inner_text() == MARKUP
        assert page.locator("main img").count() == 0
        assert page.title() == "Log · tagnode monitor"


def test_an_alarm_appears_on_live_and_is_acknowledged_with_the_keyboard(
    browser, tmp_path, serving_radio
):
    radio = typical(tmp_path)
    server = serving_radio(radio)
    address = f"http://127.0.0.1:{server.port}"
    with tab(browser, address) as page:
        page.wait_for_selector("#connection[data-state=live]")
        page.wait_for_selector(SHOWN["live"])
        delays = []
        for rule in ("hum", "hiss", "tone"):
            page.evaluate(
                "rule => { window.appeared = null; const seek = () => {"
                " const found = [...document.querySelectorAll('.alarm a')]"
                "   .some(each => each.textContent === rule);"
                " if (found) window.appeared = Date.now(); else requestAnimationFrame(seek); };"
                " seek(); }",
                rule,
            )
            began = now_ms()
            number = radio.alarm("Nordlicht FM", rule, ago=60, **{rule: 0.95})
            server.hub.send("alarm", {"alarm": number, "rule": rule})
            assert holds(page, "window.appeared")
            delays.append(page.evaluate("window.appeared") - began)
        assert median(delays) < 2000
        page.get_by_role("button", name="Acknowledge hum of Nordlicht FM").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".alarm.seen >> text=hum")
    with Log(tmp_path) as log:
        seen = {row["rule"]: row["acknowledged"] for row in log.alarms(0, 10**14, only_open=True)}
    assert seen["hum"] is not None
    assert seen["hiss"] is None
    radio.close()


def test_alarms_show_why_and_their_clip_and_take_a_note(browser, tmp_path, serving_radio):
    radio = typical(tmp_path)
    server = serving_radio(radio)
    with tab(browser, f"http://127.0.0.1:{server.port}/alarms") as page:
        card = page.locator("article", has_text="no programme").first
        card.wait_for()
        first = page.locator("article").first
        assert "alarm" in first.get_attribute("class")  # open ones are first
        cells = card.locator(".why tbody tr").first.locator("th, td").all_inner_texts()
        assert cells == ["presence", "0.04", "below 0.3", "✓"]
        channels = page.locator("article", has_text="one channel").locator(".why tbody tr")
        assert channels.all_inner_texts()[0].split("\t")[:3] == [
            *("channel_gap_db", "61 dB", "above 25 dB"),
        ]
        clip = card.locator("audio")
        clip.evaluate("audio => audio.play()")
        assert holds(page, "document.querySelector('audio').currentTime > 0.2")
        assert clip.evaluate("audio => audio.duration") == pytest.approx(3, abs=0.1)
        clip.evaluate("audio => { audio.currentTime = 2 }")
        assert holds(page, "document.querySelector('audio').currentTime >= 2")
        card.get_by_placeholder("Note").fill("<i>known</i>")
        page.wait_for_timeout(1200)  # what comes each second leaves a note alone
        card.get_by_role("button", name="Acknowledge").click()
        page.wait_for_selector("text=: <i>known</i>")
    radio.close()


def test_events_go_on_after_a_restart_of_the_server(browser, tmp_path, serving_radio):
    radio = typical(tmp_path)
    server = serving_radio(radio)
    with tab(browser, f"http://127.0.0.1:{server.port}") as page:
        page.wait_for_selector("#connection[data-state=live]")
        server.stop()
        page.wait_for_selector("#connection[data-state=lost]")
        radio.alarm("Kammerton", "hum", ago=60, hum=0.9)  # while nobody is connected
        again = serving_radio(radio, server.port)
        page.wait_for_selector("#connection[data-state=live]")
        page.wait_for_selector(".alarm >> text=hum")
        number = radio.alarm("Kammerton", "hiss", ago=60, hiss=0.9)
        again.hub.send("alarm", {"alarm": number})
        page.wait_for_selector(".alarm >> text=hiss")
        assert page.locator("#fault").is_hidden()
    radio.close()


def test_ten_thousand_segments_scroll(browser, tmp_path, serving_radio):
    radio = many_segments(tmp_path, 10_000)
    server = serving_radio(radio)
    with tab(browser, f"http://127.0.0.1:{server.port}/log?days=31") as page:
        page.wait_for_selector("text=10000 segments")
        table = page.locator(".table")
        assert table.locator("[role=table]").get_attribute("aria-rowcount") == "10001"
        seen = page.evaluate(
            """async () => {
              const table = document.querySelector('.table');
              const frame = () => new Promise(requestAnimationFrame);
              let most = 0, empty = 0, steps = 0;
              for (let top = 0; top < table.scrollHeight; top += 12000, steps++) {
                table.scrollTop = top;
                await frame(); await frame();
                most = Math.max(most, table.querySelectorAll('.body .row').length);
                const box = table.getBoundingClientRect();
                const at = document.elementFromPoint(box.left + 60, box.top + box.height / 2);
                if (!at?.closest('.row')) empty++;
              }
              table.scrollTop = table.scrollHeight;
              return {most, empty, steps};
            }"""
        )
        assert seen["steps"] > 25
        assert seen["empty"] == 0  # rows are there where one looks
        assert seen["most"] < 60
        last = table.locator('[aria-rowindex="10001"] .kind')
        assert last.inner_text() == "speech"  # the first segment of all
        table.focus()
        page.keyboard.press("Home")
        page.wait_for_selector('[aria-rowindex="2"]')
    radio.close()


def test_the_log_is_filtered_and_its_csv_has_the_same_rows(browser, served):
    with tab(browser, f"{served}/log") as page:
        page.wait_for_selector(".body .row")
        page.get_by_label("Station").select_option("Kammerton")
        page.get_by_label("On air").select_option("speech")
        page.get_by_label("Length").select_option("7")
        count = len(twin(served, "log", "?station=Kammerton&kind=speech&days=7")["rows"])
        page.wait_for_selector(f"text={count} segments")
        assert "station=Kammerton&kind=speech" in page.url
        assert set(page.locator(".body .kind").all_inner_texts()) == {"speech"}
        assert holds(page, "document.querySelector('a[download]').href.includes('kind=speech')")
        with urllib.request.urlopen(page.locator("a[download]").evaluate("a => a.href")) as answer:
            rows = list(csv.DictReader(io.StringIO(answer.read().decode())))
        assert len(rows) == count > 10
        assert {(row["station"], row["on air"]) for row in rows} == {("Kammerton", "speech")}


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_have_23_and_25_hours(browser, tmp_path, serving_radio, day, hours):
    start, end = day_of(date.fromisoformat(day), BERLIN)
    radio = day_of_length(tmp_path, start, end)
    server = serving_radio(radio, zone=BERLIN)
    content = twin(f"http://127.0.0.1:{server.port}", "day", f"?day={day}")
    (station,) = content["stations"]
    music = -(-hours // 2)
    assert content["hours"] == hours
    assert station["seconds"] == {"music": 3600 * music, "speech": 3600 * (hours - music)}
    with tab(browser, f"http://127.0.0.1:{server.port}/day?day={day}") as page:
        page.wait_for_selector(f"text=a day of {hours} hours")
        page.get_by_text("Hours as a table").click()
        named = page.locator("tbody th").all_inner_texts()
        wanted = [f"{hour:02d}:00" for hour in range(24)]
        if hours == 23:
            wanted.remove("02:00")
        else:
            wanted.insert(2, "02:00")
        assert named == wanted
        assert page.locator(".legend b").first.inner_text() == f"{music} h 0 min"
        colours = page.evaluate(
            "() => { const canvas = document.querySelector('.ribbon');"
            " const row = canvas.getContext('2d').getImageData(0, 5, canvas.width, 1).data;"
            " const at = share => [...row.slice(4 * Math.round(share * canvas.width))].slice(0, 3);"
            f" return [at({0.5 / hours}), at({1 - 0.5 / hours}), at({1.5 / hours})]; }}"
        )
        first, last, second = colours
        assert first == last != second  # music first and last, speech between
    radio.close()


def test_without_a_cookie_one_signs_in(browser, tmp_path, serving_radio, monkeypatch):
    monkeypatch.setattr(access_module, "is_loopback", lambda host: False)
    radio = typical(tmp_path)
    server = serving_radio(radio)
    token = (tmp_path / "token").read_text().strip()
    address = f"http://127.0.0.1:{server.port}"
    with tab(browser, f"{address}/alarms") as page:
        assert page.url.endswith("/sign-in?page=alarms")
        assert faults_for_people(page) == []
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=This is not the token")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        page.wait_for_selector(SHOWN["alarms"])
        assert page.url == f"{address}/alarms"
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Strict")
        assert token not in cookie["value"]
        page.locator("article.alarm").first.get_by_role("button", name="Acknowledge").click()
        page.wait_for_selector("text=Acknowledged")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_selector("text=Sign in")
        page.goto(address)
        assert page.url.startswith(f"{address}/sign-in")
    radio.close()


def test_a_station_is_listened_to(browser, tmp_path, serving_radio):
    random = np.random.default_rng(1)
    data = encoded(0.1 * random.standard_normal((1, 60 * 22050)), 22050, "mp3", "libmp3lame")

    class Audible(MadeUpRadio):
        def address(self, station):
            return url if station == "nordlicht-fm" else ""

    radio = Audible(tmp_path, {"Nordlicht FM": "music"}, days=0.1)
    radio.play("Nordlicht FM", ("music", 30))
    server = serving_radio(radio)
    with serving() as source, tab(browser, f"http://127.0.0.1:{server.port}") as page:
        url = source.url("/live.mp3")

        def station(request):
            request.answer(Content_Type="audio/mpeg", icy_name="Nordlicht FM")
            request.pace(data, 16_000, 64_000)

        source.handlers["/live.mp3"] = station
        page.get_by_role("button", name="Listen to Nordlicht FM").click()
        assert holds(page, "document.querySelector('audio').currentTime > 0.5")
        stop = page.get_by_role("button", name="Stop listening to Nordlicht FM")
        assert until(lambda: stop.inner_text() == "Stop")
        stop.click()
        page.get_by_role("button", name="Listen to Nordlicht FM").wait_for()
    radio.close()


def test_the_pages_of_a_real_monitor(browser, tmp_path):
    """Noise, then nothing: the alarm is on the page as soon as its rule holds."""
    silent = tmp_path / "silent"
    script = (
        "import os, random, sys, time\n"
        "block = random.randbytes(8820)\n"  # a tenth of a second
        "while True:\n"
        f"    quiet = os.path.exists({str(silent)!r})\n"
        "    sys.stdout.buffer.write(bytes(8820) if quiet else block)\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.1)\n"
    )
    (tmp_path / "source.py").write_text(script)
    config = parse_config(
        f'[monitor]\ndata = "{tmp_path / "log"}"\nlisten = "127.0.0.1:0"\n'
        "default_alarms = false\n"
        f'[[station]]\nname = "Noise FM"\ncommand = "python3 {tmp_path}/source.py"\nchannels = 1\n'
        'rate = 44100\n[[alarm]]\nname = "dead air"\nwhen = "silence"\nfor = "2s"\n'
    )
    service = Service(config)
    service.start()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        with tab(browser, f"http://127.0.0.1:{service.web.port}") as page:
            page.wait_for_selector(".station[data-state='on air']")
            silent.touch()
            page.wait_for_selector(".alarm >> text=dead air")
            seen = now_ms()
            page.get_by_role("button", name="Acknowledge dead air").click()
            page.wait_for_selector(".alarm.seen")
        with Log(tmp_path / "log") as log:
            (alarm,) = log.alarms(0, 10**14)
        assert seen - alarm["opened"] < 10_000  # under any load; above, what the page takes of it
        assert alarm["acknowledged"] is not None
        assert alarm["condition"]["any_of"][0][0]["value"] == -60
        assert until(lambda: service.problem() == "")
    finally:
        service.stop()
        thread.join()
        service.close()
