// analysis.js - a file becomes a song: in this page, or on the server where the page cannot.
import { evenScale, sampleRateOf } from "./sniff.js";

/** @typedef {import("./song.js").Song} Song */
/** @typedef {{id: string, name: string, description: string, hop: number, file?: string, sha256?: string}} Choice */
/** @typedef {{server: boolean, wasm: boolean, mostBytes: number, models: Choice[], songs: {name: string, file: string}[]}} Site */
/** @typedef {typeof import("../../../native/browser/index.js")} Package */

const LONGEST = 5400; // seconds that a page decodes; more would need gigabytes

const token = new URLSearchParams(location.search).get("token");

/** Returns the address of a file of this site, with the token. @param {string} file */
export function own(file) {
  const url = new URL(file, document.baseURI);
  if (token) url.searchParams.set("token", token);
  return url;
}

/** A sentence for a person. */
export class Problem extends Error {}

/** @returns {Promise<Package>} */
export function tagnode() {
  return import(new URL("tagnode/index.js", document.baseURI).href);
}

/** @param {string} file @param {RequestInit} [options] */
async function ask(file, options) {
  const response = await fetch(own(file), options).catch(() => {
    throw new Problem("The server does not answer. Is `tagnode serve` still running?");
  });
  if (response.ok) return response.json();
  const answer = await response.json().catch(() => ({}));
  throw new Problem(answer.error ?? `The server answered with status ${response.status}.`);
}

/** @returns {Promise<Site>} */
export const readSite = () => ask("site.json");

/** The bytes of a model, checked. @param {Choice} choice */
export async function modelBytes(choice) {
  const { fetchModel } = await tagnode();
  return fetchModel(own(choice.file ?? ""), undefined, choice.sha256);
}

/**
 * @param {Blob} file
 * @param {string} name
 * @param {Choice} choice
 * @param {Site} site
 * @param {(share: number, what: string) => void} report
 * @returns {Promise<Song>}
 */
export async function analyseFile(file, name, choice, site, report) {
  const megabytes = (/** @type {number} */ bytes) => `${Math.ceil(bytes / 1e6)} MB`;
  if (file.size === 0) throw new Problem(`${name} is empty.`);
  if (file.size > site.mostBytes)
    throw new Problem(`${name} has ${megabytes(file.size)}; at most ${megabytes(site.mostBytes)} are taken.`);
  const here = site.wasm && choice.file !== undefined;
  const audio = here ? await decoded(file, report) : null;
  if (audio) return inPage(audio, name, choice, report);
  if (site.server) return onServer(file, name, choice, report);
  throw new Problem(`${name} is no audio that this browser can read, or is longer than ` +
    `${LONGEST / 60} minutes. Try a file in MP3, Ogg, FLAC, WAV or M4A.`);
}

/** The samples at the rate of the file; null if this page cannot read it.
 * @param {Blob} file @param {(share: number, what: string) => void} report */
async function decoded(file, report) {
  report(0, "Reading");
  const seconds = await durationOf(file);
  if (seconds > LONGEST) return null;
  const bytes = await file.arrayBuffer();
  const rate = sampleRateOf(new Uint8Array(bytes)) ?? 44100;
  try {
    return await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    return null;
  }
}

/** Seconds by the header; 0 if it is not known. @param {Blob} file @returns {Promise<number>} */
function durationOf(file) {
  const probe = new Audio(), url = URL.createObjectURL(file);
  return new Promise((resolve) => {
    probe.onloadedmetadata = () => resolve(Number.isFinite(probe.duration) ? probe.duration : 0);
    probe.onerror = () => resolve(0);
    probe.src = url;
  }).then((seconds) => {
    URL.revokeObjectURL(url);
    return /** @type {number} */ (seconds);
  });
}

/** @param {AudioBuffer} audio @param {string} name @param {Choice} choice
 * @param {(share: number, what: string) => void} report @returns {Promise<Song>} */
async function inPage(audio, name, choice, report) {
  const { hasSimd, load } = await tagnode();
  const [module, model] = await Promise.all([load(), modelBytes(choice)]);
  const channels = Array.from({ length: Math.min(audio.numberOfChannels, 8) },
    (_, c) => audio.getChannelData(c));
  channels.forEach(evenScale);
  const worker = new Worker(new URL("worker.js", document.baseURI), { type: "module" });
  try {
    const song = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => {
        if (data.problem) reject(new Problem(data.problem));
        else if (data.song) resolve(data.song);
        else report(data.progress, "Analysing");
      };
      worker.onerror = (event) => reject(new Problem(`The analysis failed: ${event.message}`));
      worker.postMessage({ module, model, channels, sampleRate: audio.sampleRate, hop: choice.hop });
    });
    if (!hasSimd())
      song.notes.push("This browser lacks WebAssembly's SIMD: analyses take several times as long.");
    return { ...song, name, first: song.window / 2, duration: audio.duration };
  } finally {
    worker.terminate();
  }
}

/** @param {Blob} file @param {string} name @param {Choice} choice
 * @param {(share: number, what: string) => void} report @returns {Promise<Song>} */
async function onServer(file, name, choice, report) {
  report(0, "Sending to the server");
  const query = new URLSearchParams({ model: choice.id, name });
  const { job } = await ask(`api/v1/analyse?${query}`, { method: "POST", body: file });
  await new Promise((resolve, reject) => {
    const events = new EventSource(own(`api/v1/jobs/${job}/events`));
    events.addEventListener("progress", ({ data }) => report(Number(data), "The server analyses"));
    events.addEventListener("done", () => {
      events.close();
      resolve(null);
    });
    let errors = 0;
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED && ++errors < 4) return; // it connects again
      events.close();
      reject(new Problem("The server does not answer. Is `tagnode serve` still running?"));
    };
  });
  const song = await ask(`api/v1/jobs/${job}`);
  song.mel.data = Uint8Array.from(atob(song.mel.data), (letter) => letter.charCodeAt(0));
  return { ...song, name, first: song.window / 2 };
}
