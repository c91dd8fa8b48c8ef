// main.js - the page: what is chosen, what is shown, what is downloaded.
import { analyseFile, own, readSite } from "./analysis.js";
import { Chart, clock, colourOf } from "./chart.js";
import { Cursor } from "./cursor.js";
import { listen } from "./live.js";
import { Second, valuesAt } from "./second.js";
import { audacityLabels, csv, jams, jsonLines, labelName, spansOf, windowAt } from "./song.js";

/** @typedef {import("./song.js").Song} Song */

const SHOWN = 8; // labels at first
const SEEN = 12; // seconds of a live sound

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function find(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`There is no ${id}.`);
  return found;
}

const menu = find("model", HTMLSelectElement), songs = find("song", HTMLSelectElement);
const message = find("message", HTMLElement), progress = find("progress", HTMLProgressElement);
const player = find("player", HTMLAudioElement), bars = find("bars", HTMLUListElement);
const filter = find("filter", HTMLInputElement), hover = find("hover", HTMLElement);
const segments = find("segments", HTMLDetailsElement);
const chart = new Chart(find("chart", HTMLElement));
const second = new Second(find("second", HTMLElement), chart);
const cursor = new Cursor(chart, player, moved);
const site = await readSite().catch((error) => {
  showMessage(error.message, true);
  throw error;
});

/** @type {Song | null} */
let song = null;
/** @type {{file: Blob, name: string} | null} */
let chosen = null;
/** The latest analyses of the first and of the second song. */
const work = [0, 0];
let address = "", running = 0;
/** @type {(() => void) | null} */
let ending = null;
/** What moves with the cursor: a label's bar and value. @type {{bar: HTMLElement, value: HTMLElement}[]} */
let meters = [];

/** @param {string} sentence */
function showMessage(sentence, problem = false) {
  message.textContent = sentence;
  message.classList.toggle("problem", problem);
}

const choice = () => site.models[menu.selectedIndex];

/** Analyses the first (0) or second (1) song, and returns whether it is shown.
 * @param {Blob} file @param {string} name */
async function open(file, name, which = 0) {
  const mine = ++work[which], isLatest = () => mine === work[which];
  stop();
  if (which === 0) chosen = { file, name };
  showMessage(`${name}: reading`);
  ++running;
  progress.hidden = false;
  progress.value = 0;
  try {
    const found = await analyseFile(file, name, choice(), site, (share, what) => {
      if (!isLatest()) return;
      progress.value = share;
      showMessage(`${name}: ${what.toLowerCase()} (${Math.round(100 * share)} %)`);
    });
    if (!isLatest()) return false; // another one was chosen meanwhile
    if (which === 1) second.show(found, file);
    else {
      URL.revokeObjectURL(address);
      player.src = address = URL.createObjectURL(file);
      player.hidden = false;
      show(found);
    }
    showMessage(`${clock(found.duration)} analysed by ${found.model}.`);
    return true;
  } catch (error) {
    if (isLatest()) showMessage(/** @type {Error} */ (error).message, true);
    return false;
  } finally {
    progress.hidden = --running === 0;
  }
}

/** @param {Song} found */
function show(found) {
  song = found;
  find("result", HTMLElement).hidden = false;
  find("title", HTMLElement).textContent = found.name;
  find("notes", HTMLUListElement).replaceChildren(...found.notes.map((note) => {
    const item = document.createElement("li");
    item.textContent = note;
    return item;
  }));
  const mean = found.labels.map((_, k) =>
    found.values.reduce((sum, row) => sum + row[k], 0) / (found.values.length || 1));
  const order = found.labels.map((_, k) => k).sort((a, b) => mean[b] - mean[a]);
  const shown = found.labels.length <= SHOWN ? found.labels.map((_, k) => k) : order.slice(0, SHOWN);
  filter.hidden = found.labels.length <= 2 * SHOWN;
  filter.value = "";
  list(found, found.labels.length <= SHOWN ? shown : order, shown);
  chart.show(found, shown);
  if (ending === null) second.align();
  cursor.show(0);
  segments.open = false; // filled when it is opened
  segments.hidden = ending !== null || spansOf(found).length === 0;
}

/** Fills the table of segments, a click on which seeks. */
function listSegments() {
  if (!song || !segments.open) return;
  find("spans", HTMLTableSectionElement).replaceChildren(...spansOf(song).map((span) => {
    const row = document.createElement("tr"), go = document.createElement("button");
    go.type = "button";
    go.textContent = clock(span.start, 1);
    go.onclick = () => cursor.seek(span.start);
    const cells = [go, clock(span.end, 1), span.label, span.confidence.toFixed(2)];
    row.append(...cells.map((content) => {
      const cell = document.createElement("td");
      cell.append(content);
      return cell;
    }));
    return row;
  }));
}

/** @param {Song} found @param {number[]} order @param {number[]} shown */
function list(found, order, shown) {
  meters = [];
  bars.replaceChildren(...order.map((k) => {
    const item = document.createElement("li"), box = document.createElement("input");
    const label = document.createElement("label"), bar = document.createElement("div");
    const value = document.createElement("span"), fill = document.createElement("div");
    box.type = "checkbox";
    box.id = `label-${k}`;
    box.checked = shown.includes(k);
    box.onchange = () => {
      chart.shown = order.filter((each) =>
        find(`label-${each}`, HTMLInputElement).checked).sort((a, b) => a - b);
      chart.draw();
      second.draw();
    };
    label.htmlFor = box.id;
    label.textContent = label.title = labelName(found.labels[k]);
    bar.className = "bar";
    value.className = "value";
    fill.style.background = colourOf(k, chart.dark.matches);
    bar.append(fill);
    item.append(box, label, bar, value);
    meters[k] = { bar: fill, value };
    return item;
  }));
}

/** Shows the values at a time. @param {number} time */
function moved(time) {
  find("time", HTMLElement).textContent = clock(time, 1);
  const row = song?.values[windowAt(song, time)];
  meters.forEach(({ bar, value }, k) => {
    const now = row?.[k] ?? 0;
    bar.style.width = `${100 * Math.max(0, Math.min(1, now))}%`;
    value.textContent = now.toFixed(3);
  });
}

/** @param {boolean} tab */
async function begin(tab) {
  stop();
  work.forEach((_, which) => ++work[which]);
  second.close();
  player.pause();
  player.hidden = true;
  try {
    /** @type {Song | null} */
    let before = null;
    segments.hidden = true;
    ending = await listen(choice(), tab, (grown) => {
      if (before !== grown) show(before = grown);
      chart.length = Math.max(grown.duration, SEEN);
      chart.from = chart.length - SEEN;
      chart.scale(SEEN);
      cursor.show(grown.duration);
    });
    find("stop", HTMLButtonElement).hidden = false;
    showMessage("Listening; nothing leaves this page.");
  } catch (error) {
    showMessage(/** @type {Error} */ (error).message, true);
  }
}

function stop() {
  if (!ending) return;
  ending();
  ending = null;
  find("stop", HTMLButtonElement).hidden = true;
  showMessage("Stopped.");
}

/** @param {string} format */
async function download(format) {
  if (!song) return;
  const text = { json: jsonLines, csv, txt: audacityLabels, jams }[format];
  const names = chart.shown.map((k) => labelName(/** @type {Song} */ (song).labels[k]));
  const blob = text ? new Blob([text(song)]) : await chart.png(song.name, names);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${song.name.replace(/\.[^.]*$/, "")}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

menu.append(...site.models.map(({ name, description }) => {
  const option = new Option(name);
  option.title = description;
  return option;
}));
menu.disabled = false;
menu.onchange = async () => {
  const { file, chart: { song: other } } = second;
  if (chosen && await open(chosen.file, chosen.name) && other) await open(file, other.name, 1);
};
if (site.songs.length) {
  find("songs", HTMLElement).hidden = false;
  songs.append(new Option("choose one", ""), ...site.songs.map(({ name, file }) => new Option(name, file)));
  songs.onchange = async () => {
    const { name, file } = site.songs[songs.selectedIndex - 1] ?? {};
    if (!file) return;
    try {
      const response = await fetch(own(file));
      if (!response.ok) throw new Error(`${name} is not there any more.`);
      await open(await response.blob(), name);
    } catch (error) {
      showMessage(/** @type {Error} */ (error).message, true);
    }
  };
}
find("live", HTMLElement).hidden = !site.wasm;
find("microphone", HTMLButtonElement).onclick = () => begin(false);
find("tab", HTMLButtonElement).onclick = () => begin(true);
find("stop", HTMLButtonElement).onclick = stop;
[find("file", HTMLInputElement), find("other", HTMLInputElement)].forEach((input, which) => {
  input.onchange = () => {
    const [given] = input.files ?? [];
    if (given) void open(given, given.name, which);
    input.value = "";
  };
});
player.onplay = () => second.player.pause(); // one at a time
second.player.onplay = () => player.pause();
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const [given, other] = event.dataTransfer?.files ?? [];
  if (given && await open(given, given.name) && other) await open(other, other.name, 1);
});
find("mode", HTMLSelectElement).onchange = ({ target }) => {
  chart.area = /** @type {HTMLSelectElement} */ (target).value === "area";
  chart.draw();
  second.draw();
};
find("in", HTMLButtonElement).onclick = () => chart.zoom(0.5);
find("out", HTMLButtonElement).onclick = () => chart.zoom(2);
find("whole", HTMLButtonElement).onclick = () => chart.whole();
filter.oninput = () => {
  const wanted = filter.value.toLowerCase();
  for (const item of bars.children)
    /** @type {HTMLElement} */ (item).hidden = !item.textContent?.toLowerCase().includes(wanted);
};
segments.ontoggle = listSegments;
document.querySelectorAll("#downloads button").forEach((button) => {
  const { format = "" } = /** @type {HTMLElement} */ (button).dataset;
  button.addEventListener("click", () => void download(format));
});
chart.onpoint = (/** @type {number | null} */ time) => {
  hover.textContent = time === null ? "" : valuesAt(chart, time);
};
showMessage(site.wasm && !window.isSecureContext
  ? "Drop a song anywhere on this page. The microphone needs https or localhost."
  : "Drop a song anywhere on this page, or choose one.");
