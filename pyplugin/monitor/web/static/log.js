// Log: what was on air, as a table.

import { dayInput, field, offer, selection } from "./controls.js";
import { byId, chip, fill, h, say } from "./dom.js";
import { fault, filters, follow, load } from "./server.js";
import { Table } from "./table.js";
import { Clock, lasted } from "./times.js";

/** @typedef {import("./types.js").LogRow} LogRow */

/** @type {Clock} */
let clock;
let until = 0; // what is shown ends then, in milliseconds of UTC

const station = selection("station", "All stations");
const kind = selection("kind", "All classes");
const day = dayInput("day");
const asked = new URLSearchParams(location.search).get("days") ?? "1";
const days = h("select", { name: "days" });
for (const [count, text] of [["1", "1 day"], ["7", "7 days"], ["31", "31 days"], ["366", "1 year"]])
  days.append(h("option", { value: count, selected: count === asked }, text));
const csv = h("a", { class: "button", href: "api/v1/log.csv", download: true }, "CSV");
const form = h(
  "form",
  { class: "filters", "aria-label": "Filters" },
  field("Station", station),
  field("On air", kind),
  field("Up to", day),
  field("Length", days),
  csv,
);
const summary = h("p", { class: "summary", role: "status" });

/** @type {Table<LogRow>} */
const table = new Table("Programme", [
  { title: "Start", name: "time", cell: (row) => clock.moment(row.start) },
  { title: "Length", name: "length", cell: length },
  { title: "Station", name: "station-name", cell: (row) => row.station },
  { title: "On air", name: "kind", cell: (row) => chip(row.kind) },
  { title: "LUFS", name: "number", cell: (row) => row.loudness?.toFixed(1).replace("-", "−") ?? "" },
  { title: "Titles", name: "titles", cell: (row) => titles(row.titles) },
]);

/** @param {LogRow} row */
function length(row) {
  const text = lasted(row.end - row.start);
  return row.open ? h("span", { class: "open", title: "It lasts." }, text) : text;
}

/** @param {string[]} all */
function titles(all) {
  const text = all.join(" · ");
  return h("span", { title: text }, text);
}

/** @param {import("./types.js").LogPage} page */
function show(page) {
  clock = new Clock(page);
  until = page.end;
  offer(station, page.stations);
  offer(kind, page.classes);
  if (!day.value) day.value = page.day;
  const { start, end, rows, count } = page;
  const query = new URLSearchParams({ from: String(start), to: String(end) });
  if (station.value) query.set("station", station.value);
  if (kind.value) query.set("kind", kind.value);
  csv.href = `api/v1/log.csv?${query}`;
  table.show(rows);
  const noun = count === 1 ? "segment" : "segments";
  const many = rows.length < count ? `The last ${rows.length} of ${count}` : String(count);
  say(summary, `${many} ${noun}${rows.length < count ? "; the CSV has all of them" : ""}.`);
}

fill(byId("content"), [form, summary, table.element]);
const query = filters(form, () => refresh().catch((error) => fault(error.message)));
const refresh = async () => {
  const wanted = query();
  byId("json").setAttribute("href", `log.json?${wanted}`);
  show(await load("log", wanted));
};
/** @type {number | undefined} */
let later;
const soon = () => {
  clearTimeout(later);
  if (table.element.scrollTop > 0 || until < clock.now()) return; // a reader of the past is not interrupted

  later = setTimeout(() => refresh().catch(() => {}), 1500); // until it is written
};
follow(refresh, { state: soon, title: soon, alarm: () => {}, acknowledged: () => {} });
