// Day: a day of each station as a ribbon, its alarms, and what was on in each hour.

import { dayInput, field, offer, selection } from "./controls.js";
import { byId, colourOf, drawn, fill, h, say, style } from "./dom.js";
import { fault, filters, follow, load } from "./server.js";
import { Clock, hours, laterDay, lasted } from "./times.js";

/** @typedef {import("./types.js").DayPage} DayPage */
/** @typedef {import("./types.js").DayStation} DayStation */

const HOUR = 3600000; // milliseconds

/** @type {Clock} */
let clock;
/** @type {string} */
let shown = "";

const station = selection("station", "All stations");
const day = dayInput("day");
/** @param {number} count @param {string} label @param {string} sign */
const mover = (count, label, sign) =>
  h("button", { type: "button", onclick: () => move(count), "aria-label": label, title: label }, sign);
const moves = h("span", { class: "moves" }, mover(-1, "Day before", "←"), mover(1, "Day after", "→"));
const form = h(
  "form",
  { class: "filters", "aria-label": "Filters" },
  field("Station", station),
  field("Day", day),
  moves,
);
const summary = h("p", { class: "summary", role: "status" });
const days = h("div", { class: "days" });

/** @param {number} count */
function move(count) {
  day.value = laterDay(day.value || shown, count);
  form.dispatchEvent(new Event("change"));
}

/**
 * Return the edges of the hours that have a label, and the label: fewer where there is no room.
 * @param {DayPage} page
 * @param {number} width
 * @returns {[number, string][]}
 */
function ticks(page, width) {
  const step = width < 480 ? 6 : width < 900 ? 3 : 1;
  /** @type {[number, string][]} */
  const found = [];
  for (let at = page.start; at < page.end; at += HOUR)
    if (Number(clock.hour(at)) % step === 0) found.push([at, clock.hour(at)]);
  return found;
}

/**
 * @param {DayPage} page
 * @param {DayStation} one
 */
function ribbon(page, one) {
  const span = page.end - page.start;
  const label = `What was on air on ${page.day}: ${shares(one).join(", ") || "nothing is known"}.`;
  const { canvas } = drawn({ class: "ribbon", "aria-label": label }, (context, width, height) => {
    context.fillStyle = style("--well");
    context.fillRect(0, 0, width, height);
    for (const [start, end, kind] of one.segments) {
      context.fillStyle = colourOf(kind);
      const left = ((start - page.start) / span) * width;
      context.fillRect(left, 0, Math.max(((end - start) / span) * width, 0.5), height);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const at = page.start + ((event.clientX - box.left) / box.width) * span;
    const found = one.segments.find(([start, end]) => start <= at && at < end);
    canvas.title = found
      ? `${found[2]}: ${clock.second(found[0])} to ${clock.second(found[1])}`
      : `${clock.minute(at)}: nothing is known`;
  });
  return canvas;
}

/**
 * @param {DayPage} page
 * @param {DayStation} one
 */
function bars(page, one) {
  const count = one.hours.length;
  const label = `Shares of each of the ${count} hours; the table below has them.`;
  return drawn({ class: "hours", "aria-label": label }, (context, width, height) => {
    const room = height - 16;
    const step = width / (page.hours || 24);
    context.fillStyle = style("--well");
    context.fillRect(0, 0, width, room);
    one.hours.forEach((hour, index) => {
      let top = room;
      for (const kind of page.classes) {
        const part = ((hour.seconds[kind] ?? 0) / 3600) * room;
        context.fillStyle = colourOf(kind);
        context.fillRect(index * step + 1, top - part, step - 2, part);
        top -= part;
      }
    });
    context.fillStyle = style("--dim");
    context.font = `11px ${style("--font")}`;
    for (const [at, text] of ticks(page, width))
      context.fillText(text, ((at - page.start) / HOUR) * step + 2, height - 3);
  }).canvas;
}

/**
 * @param {DayPage} page
 * @param {DayStation} one
 */
function marks(page, one) {
  const span = page.end - page.start;
  const links = one.alarms.map((alarm) => {
    const start = Math.max(alarm.start, page.start);
    const length = (alarm.end ?? clock.now()) - alarm.start;
    const text = `${alarm.rule}, ${clock.second(alarm.start)}, ${lasted(length)}`;
    const link = h(
      "a",
      { href: `alarms?day=${page.day}#alarm-${alarm.id}`, title: text, "aria-label": text },
    );
    link.style.left = `${((start - page.start) / span) * 100}%`;
    const drawnWidth = (Math.min(length, page.end - start) / span) * 100;
    link.style.width = `${Math.max(drawnWidth, 0)}%`;
    return h("li", { class: alarm.closed === null ? "open" : "" }, link);
  });
  return h("ul", { class: "marks", "aria-label": `Alarms of ${one.station}` }, ...links);
}

/** @param {DayStation} one */
function shares(one) {
  const total = Object.values(one.seconds).reduce((sum, value) => sum + value, 0);
  return Object.entries(one.seconds)
    .sort(([, first], [, second]) => second - first)
    .map(([kind, seconds]) => `${kind} ${hours(seconds)} (${percent(seconds / total)})`);
}

/** @param {number} share */
const percent = (share) => `${Math.round(100 * share)} %`;

/** @param {DayStation} one */
function legend(one) {
  const total = Object.values(one.seconds).reduce((sum, value) => sum + value, 0);
  const items = Object.entries(one.seconds)
    .sort(([, first], [, second]) => second - first)
    .map(([kind, seconds]) =>
      h(
        "li",
        {},
        h("span", { class: `swatch on-${kind.replaceAll(" ", "-")}`, "aria-hidden": "true" }),
        h("span", {}, kind),
        h("b", {}, hours(seconds)),
        h("span", { class: "remark" }, percent(seconds / total)),
      ),
    );
  return h("ul", { class: "legend" }, ...items);
}

/**
 * @param {DayPage} page
 * @param {DayStation} one
 */
function hourTable(page, one) {
  const kinds = page.classes.filter((kind) => one.seconds[kind]);
  const head = ["Hour", ...kinds].map((text) => h("th", { scope: "col" }, text));
  const rows = one.hours.map((hour) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, clock.minute(hour.start)),
      ...kinds.map((kind) => h("td", {}, share(hour.seconds[kind]))),
    ),
  );
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  const label = `Shares of the hours of ${one.station}`;
  const scrolled = h("div", { class: "wide", role: "region", "aria-label": label, tabindex: 0 }, table);
  return h("details", {}, h("summary", {}, "Hours as a table"), scrolled);
}

/** @param {number | undefined} seconds */
const share = (seconds) => (seconds ? percent(seconds / 3600) : "");

/**
 * @param {DayPage} page
 * @param {DayStation} one
 */
function section(page, one) {
  const known = one.segments.length > 0;
  return h(
    "section",
    { class: "card" },
    h("h2", {}, one.station),
    marks(page, one),
    ribbon(page, one),
    known ? bars(page, one) : h("p", { class: "remark" }, "Nothing was logged on this day."),
    legend(one),
    known ? hourTable(page, one) : null,
  );
}

/** @param {DayPage} page */
function show(page) {
  clock = new Clock(page);
  shown = page.day;
  offer(station, page.names);
  if (!day.value) day.value = page.day;
  const alarms = page.stations.reduce((count, one) => count + one.alarms.length, 0);
  const odd = page.hours === 24 ? "" : `, a day of ${page.hours} hours`;
  say(summary, `${page.day}${odd}; ${alarms} alarm${alarms === 1 ? "" : "s"}.`);
  const open = new Set(
    [...days.querySelectorAll("details[open]")].map((each) => each.closest("section")?.firstChild?.textContent),
  );
  const sections = page.stations.map((one) => section(page, one));
  for (const each of sections) {
    const details = each.querySelector("details");
    if (details && open.has(each.firstChild?.textContent)) details.open = true;
  }
  fill(days, sections);
}

fill(byId("content"), [form, summary, days]);
const query = filters(form, () => refresh().catch((error) => fault(error.message)));
const refresh = async () => {
  const wanted = query();
  byId("json").setAttribute("href", `day.json?${wanted}`);
  show(await load("day", wanted));
};
follow(refresh);
setInterval(() => {
  if (!document.hidden && !document.activeElement?.closest(".days")) refresh().catch(() => {});
}, 60000);
