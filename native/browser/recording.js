// recording.js - a whole recording through a node: the result of every window, as `tagnode tag`.

/** @typedef {import("./core.js").Core} Core */
/** @typedef {import("./core.js").Model} Model */
/**
 * @typedef {object} Analysis
 * @property {number} hop seconds between the starts of two windows
 * @property {number} window seconds
 * @property {Float32Array[]} values of each window, in the order of the model's labels
 * @property {number} signalHop seconds between two measurements
 * @property {Float32Array[]} signals in the order of core.signals
 * @property {number} melHop seconds between two mel frames
 * @property {number} bands
 * @property {Float32Array} mel frames one after the other
 * @property {string[]} notes sentences for a person
 */

const BLOCK = 16384;

/**
 * @param {Core} core
 * @param {Model} model
 * @param {Float32Array[]} channels samples of each, full scale 1.0
 * @param {number} sampleRate Hz
 * @param {object} [options]
 * @param {number} [options.hop] seconds
 * @param {number} [options.signals] seconds
 * @param {(share: number) => void} [options.progress]
 * @returns {Analysis}
 */
export function analyse(core, model, channels, sampleRate, options = {}) {
  const { card } = model, length = channels[0]?.length ?? 0;
  if (length === 0) throw new Error("The recording has 0 samples; at least 1 is expected.");
  const node = core.node(model, { sampleRate, channels: channels.length, maxFrames: BLOCK,
    hop: options.hop, signals: options.signals ?? 0.1, mel: 4096, offline: true, whole: true });
  const { firstFrames, hopFrames, latency, bands } = node.numbers();
  const melHop = card.hop / card.sampleRate;
  /** @type {string[]} */
  const notes = [];
  // As pyplugin/node/windows.py: what is too short for a window is repeated, then as many windows
  // are taken as end within the signal.
  const reach = card.fromZero ? card.frame : 0;
  const needed = Math.ceil(((firstFrames - 1) * card.hop + reach) * sampleRate / card.sampleRate);
  const whole = Math.max(length, needed);
  if (whole > length)
    notes.push(`It lasts ${(length / sampleRate).toFixed(2)} s, less than the ` +
      `${(firstFrames * melHop).toFixed(2)} s that the model needs: it was repeated.`);
  const samples = Math.ceil(whole * card.sampleRate / sampleRate);
  const melFrames = card.fromZero
    ? (samples < card.frame ? 0 : Math.floor((samples - card.frame) / card.hop) + 1)
    : Math.floor(samples / card.hop) + 1;
  const count = Math.floor((melFrames - firstFrames) / hopFrames) + 1;
  const flush = latency + Math.floor(card.fft * sampleRate / card.sampleRate) + 1;
  /** @type {Float32Array[]} */
  const values = [], signals = [];
  const mel = new Float32Array(melFrames * bands);
  let columns = 0;
  for (let at = 0; at < whole + flush; at += BLOCK) {
    const frames = Math.min(BLOCK, whole + flush - at);
    node.input.forEach((to, c) => fill(to, channels[c], at, frames, whole));
    node.process(frames);
    while (node.read())
      if (node.state === "fresh" && values.length < count) values.push(node.values.slice());
    while (node.readSignals()) if (node.frame[1] <= whole) signals.push(node.signals.slice());
    for (; node.readMel(); ++columns)
      if (columns < melFrames) mel.set(node.mel, columns * bands);
    options.progress?.(Math.min((at + frames) / whole, 1));
  }
  const { replaced } = node.numbers();
  if (replaced) notes.push(`${replaced} samples were NaN or infinite and counted as 0.`);
  node.free();
  const signalHop = Math.max(Math.round((options.signals ?? 0.1) / melHop), 1) * melHop;
  return { hop: hopFrames * melHop, window: card.patch * melHop, values, signalHop, signals, melHop,
    bands, mel, notes };
}

/** Samples from `at` on: the recording, repeated up to `whole`, then zeros.
 * @param {Float32Array} to @param {Float32Array} from @param {number} at @param {number} frames
 * @param {number} whole */
function fill(to, from, at, frames, whole) {
  for (let done = 0; done < frames;) {
    const here = at + done;
    if (here >= whole) return void to.fill(0, done, frames);
    const begin = here % from.length;
    const some = Math.min(frames - done, from.length - begin, whole - here);
    to.set(from.subarray(begin, begin + some), done);
    done += some;
  }
}
