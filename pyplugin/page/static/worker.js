// worker.js - a recording through the WebAssembly, beside the page.

const COLUMNS = 1500; // of the picture of the mel spectrogram, at most

/** @typedef {typeof import("../../../native/browser/core.js")} CoreModule */
/** @typedef {typeof import("../../../native/browser/recording.js")} RecordingModule */

/** @param {string} url @returns {Promise<any>} */
const load = (url) => import(url);

/** The largest of each few frames, as bytes.
 * @param {Float32Array} mel @param {number} bands @param {number} hop */
function picture(mel, bands, hop) {
  const frames = mel.length / bands, few = Math.max(Math.ceil(frames / COLUMNS), 1);
  const columns = Math.ceil(frames / few);
  const grid = new Float32Array(columns * bands).fill(-Infinity);
  for (let i = 0; i < frames; ++i)
    for (let b = 0, at = Math.floor(i / few) * bands; b < bands; ++b, ++at)
      grid[at] = Math.max(grid[at], mel[i * bands + b]);
  const low = grid.reduce((a, b) => Math.min(a, b), Infinity);
  const high = grid.reduce((a, b) => Math.max(a, b), -Infinity);
  const data = Uint8Array.from(grid, (x) => Math.round((255 * (x - low)) / (high - low || 1)));
  return { bands, columns, hop: few * hop, data };
}

self.onmessage = async ({ data }) => {
  try {
    /** @type {CoreModule} */
    const { Core } = await load("./tagnode/core.js");
    /** @type {RecordingModule} */
    const { analyse } = await load("./tagnode/recording.js");
    const core = new Core(data.module), model = core.model(data.model);
    let last = 0;
    const progress = (/** @type {number} */ share) => {
      if (share - last < 0.01) return;
      last = share;
      self.postMessage({ progress: share });
    };
    const found = analyse(core, model, data.channels, data.sampleRate, { hop: data.hop, progress });
    const at = core.signals.findIndex(({ name }) => name === "loudness_momentary");
    self.postMessage({ song: { model: model.name, labels: model.labels, hop: found.hop,
      window: found.window, values: found.values,
      loudness: { hop: found.signalHop, values: Float32Array.from(found.signals, (row) => row[at]) },
      mel: picture(found.mel, found.bands, found.melHop), notes: found.notes } });
  } catch (error) {
    self.postMessage({ problem: /** @type {Error} */ (error).message });
  }
};
