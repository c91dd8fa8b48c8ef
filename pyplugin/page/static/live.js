// live.js - a microphone or the sound of a tab as a song that grows, analysed in the audio thread.
import { Problem, modelBytes, tagnode } from "./analysis.js";

/** @typedef {import("./song.js").Song} Song */

const MOST = 6000; // results that are kept: ten minutes

/**
 * @param {import("./analysis.js").Choice} choice
 * @param {boolean} tab the sound of a tab instead of a microphone
 * @param {(song: Song) => void} grown
 * @returns {Promise<() => void>} what ends it
 */
export async function listen(choice, tab, grown) {
  const devices = navigator.mediaDevices;
  if (!devices) throw new Problem("Browsers open a microphone for pages from https or localhost only.");
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await (tab ? devices.getDisplayMedia({ audio: plain, video: true })
    : devices.getUserMedia({ audio: plain })).catch((/** @type {Error} */ error) => {
    throw new Problem(`The browser does not give the sound: ${error.message}.`);
  });
  if (stream.getAudioTracks().length === 0)
    throw new Problem("That has no sound; share a tab, and tick its audio.");
  const context = new AudioContext();
  await context.resume();
  const { Tagnode } = await tagnode();
  const node = await Tagnode.create(context, { model: await modelBytes(choice), signals: 0.1 });
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node);
  const silent = new GainNode(context, { gain: 0 }); // a node is computed on the way to the output
  node.connect(silent).connect(context.destination);
  /** @type {number[]} */
  const loudness = [];
  /** @type {Song} */
  const song = { name: tab ? "Tab audio" : "Microphone", model: node.model, labels: node.labels,
    hop: node.hop, window: node.hop, first: 0, duration: 0, values: [],
    loudness: { hop: 0.1, values: loudness }, mel: { bands: 0, columns: 0, hop: 1,
      data: new Uint8Array() }, notes: [] };
  node.addEventListener("signals", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    loudness.push(detail.by["signal.loudness_momentary"]);
  });
  node.addEventListener("frame", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (song.values.length === 0) song.first = detail.end;
    if (song.values.length < MOST) song.values.push(detail.values);
    song.duration = detail.end;
    grown(song);
  });
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    node.close();
    void context.close();
  };
}
