// Live: a row a station, with what happens now.

import { byId, fill, h, say } from "./dom.js";
import { acknowledge, fault, follow, load } from "./server.js";
import { StripView } from "./strip.js";
import { Clock, lasted } from "./times.js";

/** @typedef {import("./types.js").Station} Station */
/** @typedef {import("./types.js").Result} Result */

/** @type {Clock} */
let clock;
/** @type {Map<string, StationRow>} */
const rows = new Map();
const list = h("ul", { class: "stations", "aria-label": "Stations" });
const summary = h("p", { class: "summary", role: "status" });
const player = h("audio", { preload: "none" });

/** What can be listened to: one station at a time. */
class Listening {
  constructor() {
    /** @type {StationRow | null} */
    this.row = null;
    player.addEventListener("playing", () => this.row?.showListening(true));
    player.addEventListener("error", () => {
      if (!this.row) return;
      fault(`${this.row.name} cannot be listened to here; open its own address.`);
      this.stop();
    });
  }

  /** @param {StationRow} row */
  toggle(row) {
    const same = this.row === row;
    this.stop();
    if (same) return;
    this.row = row;
    player.src = `api/v1/stations/${row.id}/audio`;
    player.play().catch(() => {});
    row.showListening(true, "Connecting");
  }

  stop() {
    this.row?.showListening(false);
    this.row = null;
    player.pause();
    player.removeAttribute("src");
    player.load(); // ends the connection
  }
}

const listening = new Listening();

class StationRow {
  /** @param {Station} station */
  constructor(station) {
    this.name = station.station;
    this.id = station.id;
    this.since = station.since;
    this.dot = h("span", { class: "dot", "aria-hidden": "true" });
    this.state = h("span", { class: "chip" });
    this.clock = h("span", { class: "since" });
    this.title = h("p", { class: "title" });
    this.level = h("span", { class: "level" });
    this.bar = h("span", { class: "bar" });
    this.peak = h("span", { class: "peak" });
    this.alarms = h("ul", { class: "alarms", "aria-label": `Open alarms of ${this.name}` });
    this.strip = new StripView(station.strip);
    const heading = `station-${station.id}`;
    const meter = h("span", { class: "meter", "aria-hidden": "true" }, this.bar);
    this.button = h("button", { class: "listen", onclick: () => listening.toggle(this) });
    this.showListening(false);
    const link = station.source
      ? h("a", { href: station.source, target: "_blank", rel: "noreferrer" }, "Source")
      : null;
    this.element = h(
      "li",
      { class: "station", "aria-labelledby": heading },
      h(
        "div",
        { class: "who" },
        h("h2", { id: heading }, this.dot, this.name),
        h("p", { class: "now" }, this.state, this.clock),
        this.title,
      ),
      h(
        "div",
        { class: "loudness" },
        h("p", {}, this.level, h("abbr", { title: "short-term loudness, EBU R 128" }, "LUFS")),
        meter,
        this.peak,
      ),
      this.strip.element,
      h("p", { class: "actions" }, station.listen ? this.button : null, link),
      this.alarms,
    );
    this.show(station);
  }

  /** @param {boolean} on @param {string} [text] */
  showListening(on, text = on ? "Stop" : "Listen") {
    say(this.button, text);
    this.button.setAttribute("aria-pressed", String(on));
    this.button.setAttribute("aria-label", `${on ? "Stop listening" : "Listen"} to ${this.name}`);
  }

  /** @param {Station} station */
  show(station) {
    this.strip.show(station.strip);
    this.showResult(station);
    const alarms = station.open_alarms.map((alarm) => this.alarm(alarm));
    fill(this.alarms, alarms);
    this.alarms.hidden = !alarms.length;
  }

  /** @param {import("./types.js").Alarm} alarm */
  alarm(alarm) {
    const seen = alarm.acknowledged !== null;
    const button = h(
      "button",
      {
        onclick: async () => {
          button.disabled = true;
          await acknowledge(alarm.id, "");
          button.disabled = false;
        },
        "aria-label": `Acknowledge ${alarm.rule} of ${this.name}`,
      },
      "Acknowledge",
    );
    return h(
      "li",
      { class: seen ? "alarm seen" : "alarm", "data-alarm": alarm.id },
      h("a", { href: `alarms#alarm-${alarm.id}` }, alarm.rule),
      h("span", {}, ` since ${clock.moment(alarm.start)}`),
      seen ? h("span", { class: "remark" }, " · acknowledged") : button,
    );
  }

  /** @param {Result} result */
  showResult(result) {
    const kind = result.state === "on air" ? result.on_air || "starting" : result.state;
    say(this.state, kind);
    this.state.className = `chip on-${kind.replaceAll(" ", "-")}`;
    this.since = result.since;
    this.tick();
    say(this.title, result.title || "No title");
    this.title.classList.toggle("none", !result.title);
    this.element.dataset.state = result.alarms.length ? "alarm" : result.state;
    say(this.level, result.loudness === null ? "–" : minus(result.loudness.toFixed(1)));
    const level = result.momentary ?? -60; // the meter is of -60 to 0 LUFS
    this.bar.style.width = `${Math.max(0, Math.min(100, (level + 60) / 0.6))}%`;
    say(this.peak, result.peak === null ? "" : `peak ${minus(result.peak.toFixed(1))} dBTP`);
  }

  tick() {
    const { since } = this;
    const length = since === null ? "" : lasted(clock.now() - since);
    say(this.clock, since === null ? "" : `since ${clock.moment(since)} · ${length}`);
  }
}

/** @param {string} number */
const minus = (number) => number.replace("-", "−");

/** @param {import("./types.js").LivePage} page */
function show(page) {
  clock = new Clock(page);
  const names = page.stations.map((station) => station.station);
  for (const [name, row] of rows) {
    if (names.includes(name)) continue;
    row.element.remove();
    rows.delete(name);
  }
  for (const station of page.stations) {
    const row = rows.get(station.station);
    if (row) row.show(station);
    else {
      const made = new StationRow(station);
      rows.set(station.station, made);
      list.append(made.element);
      made.strip.redraw();
    }
  }
  summarise(page.stations);
}

/** @param {Result[]} results */
function summarise(results) {
  const alarms = results.reduce((count, each) => count + each.alarms.length, 0);
  const on = results.filter((each) => each.state === "on air").length;
  const noun = results.length === 1 ? "station" : "stations";
  const about = alarms ? `${alarms} open alarm${alarms > 1 ? "s" : ""}` : "no open alarm";
  say(summary, `${on} of ${results.length} ${noun} on air, ${about}.`);
  document.title = `${alarms ? `(${alarms}) ` : ""}Live · tagnode monitor`;
}

fill(byId("content"), [summary, list, player]);
const refresh = async () => show(await load("live"));
follow(refresh, {
  result: ({ time, stations }) => {
    if (!clock) return;
    clock.ahead = time - Date.now();
    for (const result of stations) {
      const row = rows.get(result.station);
      row?.showResult(result);
      row?.strip.add(time, result);
    }
    if (stations.length !== rows.size) refresh();
    summarise(stations);
  },
});
setInterval(() => refresh().catch(() => {}), 600000); // the zone's offset may have changed
setInterval(() => rows.forEach((row) => row.tick()), 1000);
