// song.js - what is known of a recording, wherever it was computed, and its files for other programs.

/**
 * @typedef {object} Song
 * @property {string} name of the file
 * @property {string} model
 * @property {{text: string, head: string}[]} labels
 * @property {number} hop seconds between two windows
 * @property {number} window seconds
 * @property {number} first seconds to the middle of the first window
 * @property {number} duration seconds
 * @property {ArrayLike<number>[]} values of each window
 * @property {{hop: number, values: ArrayLike<number>}} loudness LUFS, momentary
 * @property {{bands: number, columns: number, hop: number, data: Uint8Array}} mel 0 to 255, lowest
 *   band first
 * @property {string[]} notes
 */

const THRESHOLD = 0.3; // from which a label is present, as in `tagnode tag --labels`

/** The index of the window that stands for a time. @param {Song} song @param {number} time */
export function windowAt(song, time) {
  const index = Math.round((time - song.first) / song.hop);
  return Math.max(0, Math.min(song.values.length - 1, index));
}

/** @param {Song["labels"][number]} label */
export function labelName(label) {
  return label.head ? `${label.head}: ${label.text}` : label.text;
}

/** Six decimals, as the program's. @param {number} value */
const rounded = (value) => (Number.isFinite(value) ? Number(value.toFixed(6)) : null);

/** A line of JSON for each window: what `tagnode tag --json` prints. @param {Song} song */
export function jsonLines(song) {
  return song.values.map((row, i) => {
    /** @type {Record<string, number | null>} */
    const tags = {};
    /** @type {Record<string, Record<string, number | null>>} */
    const heads = {};
    song.labels.forEach(({ text, head }, k) => {
      (head ? (heads[head] ??= {}) : tags)[text] = rounded(row[k]);
    });
    const start = i * song.hop, end = start + song.window;
    return JSON.stringify({ v: 1, t: rounded(end), start: rounded(start), end: rounded(end),
      source: song.name, model: song.model, state: "fresh", tags,
      ...(Object.keys(heads).length ? { heads } : {}) }) + "\n";
  }).join("");
}

/** A cell; a text that a spreadsheet would run begins with a quote. @param {string} text */
function cell(text) {
  const guarded = text.length > 1 && /^'*[\s\0]*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** What `tagnode tag --csv` writes. @param {Song} song */
export function csv(song) {
  const names = song.labels.map(({ text, head }) => (head ? `head.${head}.${text}` : text));
  const rows = [["file", "start", "end", ...names].map(cell)];
  song.values.forEach((row, i) => rows.push([cell(song.name), (i * song.hop).toFixed(3),
    (i * song.hop + song.window).toFixed(3), ...Array.from(row, (value) => value.toFixed(6))]));
  return rows.map((row) => row.join(",") + "\r\n").join("");
}

/** @typedef {{start: number, end: number, label: string, confidence: number}} Span */

/** Where each label of the model is present, and its mean there, as in `tagnode tag --labels`.
 * @param {Song} song @returns {Span[]} */
export function spansOf(song) {
  const count = song.values.length;
  const middle = (/** @type {number} */ i) => Math.min(song.first + i * song.hop, song.duration);
  const bound = (/** @type {number} */ i) => i === 0 ? 0
    : i === count ? song.duration : (middle(i - 1) + middle(i)) / 2;
  /** @type {Span[]} */
  const spans = [];
  song.labels.forEach(({ text, head }, k) => {
    if (head) return;
    for (let i = 0; i < count; ++i) {
      if (song.values[i][k] < THRESHOLD) continue;
      let sum = song.values[i][k];
      const first = i;
      while (i + 1 < count && song.values[i + 1][k] >= THRESHOLD) sum += song.values[++i][k];
      spans.push({ start: bound(first), end: bound(i + 1), confidence: sum / (i + 1 - first),
        label: text.split(/\s+/).join(" ").trim() });
    }
  });
  return spans.sort((a, b) => a.start - b.start);
}

/** What `tagnode tag --labels FILE.txt` writes. @param {Song} song */
export function audacityLabels(song) {
  return spansOf(song).map(({ start, end, label }) =>
    `${start.toFixed(6)}\t${end.toFixed(6)}\t${label}\n`).join("");
}

/** What `tagnode tag --labels FILE.jams` writes. @param {Song} song */
export function jams(song) {
  const about = { curator: { name: "", email: "" }, annotator: {}, version: "", corpus: "",
    annotation_tools: "tagnode", annotation_rules: "", validation: "", data_source: "program" };
  const data = spansOf(song).map(({ start, end, label, confidence }) =>
    ({ time: start, duration: end - start, value: label, confidence }));
  return JSON.stringify({
    annotations: [{ annotation_metadata: about, namespace: "tag_open", data,
      sandbox: { model: song.model }, time: 0, duration: song.duration }],
    file_metadata: { title: song.name, artist: "", release: "", duration: song.duration,
      identifiers: {}, jams_version: "0.3.4" },
    sandbox: {},
  }, null, 1);
}
