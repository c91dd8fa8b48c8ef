// Health: whether the monitor itself is well.

import { byId, fill, h, say } from "./dom.js";
import { follow, load } from "./server.js";
import { Clock } from "./times.js";

/** @typedef {import("./types.js").HealthPage} HealthPage */

const NAMES = {
  alarm_changes: "Changes of alarms",
  records_lost: "Records lost",
  threads_leaked: "Threads that hang",
};

/** @param {number} count */
function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit++) count /= 1000;
  return `${count < 10 && unit ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

/**
 * @param {string} label
 * @param {string[]} titles
 * @param {import("./dom.js").Child[][]} rows
 * @param {string} none
 */
function table(label, titles, rows, none) {
  if (!rows.length) return h("p", { class: "remark" }, none);
  const head = titles.map((title) => h("th", { scope: "col" }, title));
  const body = rows.map((cells) =>
    h("tr", {}, ...cells.map((cell, at) => (at ? h("td", {}, cell) : h("th", { scope: "row" }, cell)))),
  );
  const made = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body));
  return h("div", { class: "card wide", role: "region", "aria-label": label, tabindex: 0 }, made);
}

/** @param {HealthPage} page */
function facts(page) {
  const free = `${bytes(page.disk_free)} of ${bytes(page.disk_total)}`;
  const counts = Object.entries(page.counters).map(([name, value]) => [
    NAMES[/** @type {keyof typeof NAMES} */ (name)] ?? name,
    String(value),
  ]);
  const all = [["Log", bytes(page.log_bytes)], ["Free on its disk", free], ...counts, ["Version", page.version]];
  return h("dl", { class: "facts" }, ...all.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const status = h("p", { class: "verdict", role: "status" });
const content = h("div", {});
fill(byId("content"), [status, content]);

/** @param {HealthPage} page */
function show(page) {
  const clock = new Clock(page);
  say(status, page.ok ? "The monitor is well." : page.problem);
  status.dataset.ok = String(page.ok);
  const stations = page.stations.map((each) => [
    each.station,
    h("span", { class: `chip on-${each.state.replaceAll(" ", "-")}` }, each.state),
    `${each.seconds_since_audio.toFixed(1)} s ago`,
    each.restarts,
  ]);
  const waiting = page.deliveries.map((each) => [
    each.target, each.waiting, clock.moment(each.oldest), each.tries,
  ]);
  const events = page.events.map((each) => [
    clock.moment(each.time), each.station ?? "monitor", each.kind, each.message,
  ]);
  fill(content, [
    facts(page),
    h("h2", {}, "Stations"),
    table("Stations", ["Station", "State", "Last audio", "Restarts"], stations, "There is no station."),
    h("h2", {}, "Notifications that wait"),
    table("Notifications", ["To", "Messages", "Since", "Attempts"], waiting, "None waits."),
    h("h2", {}, "Events of the last 7 days"),
    table("Events", ["Time", "Of", "Event", "Message"], events, "There was none."),
  ]);
}

const refresh = async () => show(await load("health"));
follow(refresh);
setInterval(() => {
  if (!document.hidden && !document.activeElement?.closest(".wide")) refresh().catch(() => {});
}, 10000);
