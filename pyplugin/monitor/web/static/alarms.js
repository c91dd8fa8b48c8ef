// Alarms: what is open first, why, and the sound before it.

import { dayInput, field, offer, selection } from "./controls.js";
import { byId, fill, h, say } from "./dom.js";
import { acknowledge, fault, filters, follow, load } from "./server.js";
import { Clock, lasted } from "./times.js";

/** @typedef {import("./types.js").Alarm} Alarm */

const MOST = 200; // cards

/** @type {Clock} */
let clock;
/** @type {Map<number, {text: string, element: HTMLElement}>} what is shown, by number */
const cards = new Map();

const station = selection("station", "All stations");
const day = dayInput("day");
const form = h(
  "form",
  { class: "filters", "aria-label": "Filters" },
  field("Station", station),
  field("Day", day),
);
const summary = h("p", { class: "summary", role: "status" });
const open = h("div", { class: "cards" });
const closed = h("div", { class: "cards" });

/** @param {number} value @param {string} unit */
function quantity(value, unit) {
  const digits = Math.abs(value) < 10 ? 2 : 1;
  const text = String(Number(value.toFixed(digits))).replace("-", "−");
  return unit ? `${text} ${unit}` : text;
}

/**
 * Return a name that may be broken at its underscores.
 * @param {string} name
 * @returns {import("./dom.js").Child[]}
 */
function broken(name) {
  return (name.match(/[^_.]+[_.]?/g) ?? [name]).flatMap((part) => [part, h("wbr")]);
}

/** @param {import("./types.js").Comparison} each */
function comparison(each) {
  const rule = `${each.above ? "above" : "below"} ${quantity(each.value, each.unit)}`;
  const { measured } = each;
  const known = measured !== null && measured !== undefined;
  const holds = known && (each.above ? measured > each.value : measured < each.value);
  return h(
    "tr",
    { class: holds ? "holds" : "" },
    h("th", { scope: "row" }, ...broken(each.name.replace(/^(tag|head|signal)\./, ""))),
    h("td", { class: "measured" }, known ? quantity(measured, each.unit) : "unknown"),
    h("td", {}, rule),
    h("td", {}, h("span", { role: "img", "aria-label": holds ? "holds" : "does not hold" }, holds ? "✓" : "–")),
  );
}

/** @param {Alarm} alarm */
function why(alarm) {
  const rows = alarm.why.flatMap((all, index) => {
    const or = index ? [h("tr", { class: "or" }, h("td", { colspan: 4 }, "or"))] : [];
    return [...or, ...all.map(comparison)];
  });
  if (!rows.length) {
    const values = Object.entries(alarm.values).map(([name, value]) => `${name} ${quantity(value, "")}`);
    return h("p", { class: "remark" }, values.join(", "));
  }
  const head = ["Value", "Measured", "Rule", "Holds"].map((text) => h("th", { scope: "col" }, text));
  return h(
    "table",
    { class: "why" },
    h("caption", {}, `When it opened: ${alarm.meaning}, for ${lasted(1000 * (alarm.hold ?? 0))}`),
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...rows),
  );
}

/** @param {Alarm} alarm */
function acknowledgement(alarm) {
  if (alarm.acknowledged !== null) {
    const note = alarm.note ? `: ${alarm.note}` : "";
    return h("p", { class: "remark" }, `Acknowledged ${clock.moment(alarm.acknowledged)}${note}`);
  }
  const note = h("input", { name: "note", maxlength: 500, autocomplete: "off", placeholder: "Note" });
  note.setAttribute("aria-label", `Note on alarm ${alarm.id}`);
  const button = h("button", {}, "Acknowledge");
  return h(
    "form",
    {
      class: "acknowledge",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        button.disabled = true;
        await acknowledge(alarm.id, note.value);
        button.disabled = false;
      },
    },
    note,
    button,
  );
}

/** @param {Alarm} alarm */
function made(alarm) {
  const end = alarm.end ?? alarm.closed;
  const reason = alarm.reason && alarm.reason !== "over" ? ` (${alarm.reason})` : "";
  const times =
    alarm.closed === null
      ? [`since ${clock.moment(alarm.start)} · `, h("span", { class: "ticking" })]
      : [`${clock.moment(alarm.start)} to ${clock.moment(end ?? alarm.start)}${reason}`,
         ` · ${lasted((end ?? alarm.start) - alarm.start)}`];
  const clip = alarm.clip
    ? h("audio", { controls: true, preload: "none", src: alarm.clip, "aria-label": `Sound of alarm ${alarm.id}` })
    : null;
  const state = alarm.closed === null ? "alarm" : "closed";
  return h(
    "article",
    { class: `card ${state}`, id: `alarm-${alarm.id}`, tabindex: -1, "data-start": alarm.start },
    h("h3", {}, alarm.rule, h("span", { class: "at" }, ` ${alarm.station}`)),
    h("p", { class: "times" }, ...times),
    why(alarm),
    clip,
    acknowledgement(alarm),
  );
}

/** @param {Alarm} alarm */
function card(alarm) {
  const text = JSON.stringify(alarm);
  const known = cards.get(alarm.id);
  if (known?.text === text) return known.element; // a note that is being written stays
  const element = made(alarm);
  cards.set(alarm.id, { text, element });
  return element;
}

function tick() {
  for (const each of open.querySelectorAll(".ticking")) {
    const start = Number(each.closest("article")?.dataset.start);
    say(each, lasted(clock.now() - start));
  }
}

/** @param {HTMLElement} place @param {Alarm[]} alarms @param {string} none */
function list(place, alarms, none) {
  const elements = alarms.slice(0, MOST).map(card);
  const left = alarms.length - elements.length;
  if (left) elements.push(h("p", { class: "remark" }, `${left} more; choose a day or a station.`));
  const same = elements.length === place.children.length
    && elements.every((element, index) => element === place.children[index]);
  if (!same || !elements.length) fill(place, elements.length ? elements : [h("p", { class: "remark" }, none)]);
}

/** @param {import("./types.js").AlarmsPage} page */
function show(page) {
  clock = new Clock(page);
  offer(station, page.stations);
  list(open, page.open, "No alarm is open.");
  list(closed, page.closed, "No alarm was closed in this time.");
  const seen = page.open.filter((alarm) => alarm.acknowledged !== null).length;
  say(summary, `${page.open.length} open, ${seen} of them acknowledged; ${page.closed.length} closed ${day.value ? `on ${day.value}` : "in the last 7 days"}.`);
  tick();
}

fill(byId("content"), [form, summary, h("h2", {}, "Open"), open, h("h2", {}, "Closed"), closed]);
const query = filters(form, () => refresh().catch((error) => fault(error.message)));
let first = true;
const refresh = async () => {
  const wanted = query();
  byId("json").setAttribute("href", `alarms.json?${wanted}`);
  show(await load("alarms", wanted));
  const marked = first && location.hash ? document.getElementById(location.hash.slice(1)) : null;
  first = false;
  marked?.scrollIntoView({ block: "center" });
  marked?.focus({ preventScroll: true });
};
follow(refresh);
setInterval(tick, 1000);
