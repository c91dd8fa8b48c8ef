// index.js - Tagnode, an AudioNode that detects content and moves AudioParams by it.
import { Core, hasSimd } from "./core.js";

export { analyse } from "./recording.js";
export { Core, hasSimd };

/** @typedef {import("./core.js").Knobs} Knobs */
/**
 * @typedef {object} Result
 * @property {number} start seconds of the stream that it describes, from
 * @property {number} end to
 * @property {number} emitted seconds of the stream at which it was there
 * @property {string} state "warming", "fresh" or "held"
 * @property {Float32Array} values in the order of `labels`, or of `signals`
 * @property {Record<string, number>} by values by the name of their descriptor, "tag.speech"
 */
/**
 * @typedef {object} Options
 * @property {string | URL | ArrayBuffer | Uint8Array | null} [model] the name of a model that the
 *   package has, the address of a .tagnode file (with a / or a dot), or its bytes; null to measure
 *   only. "scene" by default.
 * @property {string} [sha256] of that file, in hex; the package's own models are always checked
 * @property {number} [channels] of the input, 1 to 8; 2 by default
 * @property {number} [hop] seconds between two results, 0.1 by default
 * @property {number} [signals] seconds between two measurements; 0, none, by default
 * @property {string} [base] address of the folder with tagnode.wasm and models; that of this module
 *   by default
 * @property {boolean} [portable] take the build without SIMD
 * @property {Record<string, string>} [environment] variables: TAGNODE_ISA
 */

/** @type {Map<string, Promise<WebAssembly.Module>>} */
const modules = new Map();

/** Fetches something, or says what went wrong. @param {string | URL} url */
async function get(url) {
  const response = await fetch(url).catch((error) => {
    throw new Error(`${url} could not be fetched: ${error.message}.`);
  });
  if (!response.ok) throw new Error(`${url} could not be fetched: status ${response.status}.`);
  return response;
}

/** Compiles tagnode.wasm, once for each address. @param {string} base @param {boolean} [portable] */
export function load(base = new URL(".", import.meta.url).href, portable = !hasSimd()) {
  const url = new URL(portable ? "tagnode-portable.wasm" : "tagnode.wasm", base).href;
  let module = modules.get(url);
  if (!module) {
    module = get(url).then((response) => response.arrayBuffer()).then(WebAssembly.compile);
    module.catch(() => modules.delete(url));
    modules.set(url, module);
  }
  return module;
}

/** Returns the bytes of a model after comparing them with their hash.
 * @param {Options["model"]} model @param {string} base @param {string} [sha256]
 * @returns {Promise<Uint8Array>} */
export async function fetchModel(model, base = new URL(".", import.meta.url).href, sha256) {
  if (model instanceof Uint8Array) return check(model, "The model", sha256);
  if (model instanceof ArrayBuffer) return check(new Uint8Array(model), "The model", sha256);
  let url = new URL(String(model), globalThis.location?.href ?? base);
  if (typeof model === "string" && !/[./]/.test(model)) {
    const list = new URL("models/models.json", base);
    /** @type {{name: string, file: string, sha256: string}[]} */
    const known = await (await get(list)).json();
    const entry = known.find(({ name }) => name === model);
    if (!entry)
      throw new Error(`There is no model ${model}; there are ${known.map(({ name }) => name).join(", ")}.`);
    url = new URL(entry.file, list);
    sha256 = entry.sha256;
  }
  return check(new Uint8Array(await (await get(url)).arrayBuffer()), String(url), sha256);
}

/** @param {Uint8Array} bytes @param {string} what @param {string} [sha256] */
async function check(bytes, what, sha256) {
  if (sha256 === undefined || !globalThis.crypto?.subtle) return bytes; // its CRC is checked anyway
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== sha256.toLowerCase())
    throw new Error(`${what} has the SHA-256 ${hex}; ${sha256} is expected. Fetch it again.`);
  return bytes;
}

/** A descriptor that moves AudioParams; made by Tagnode.map. */
export class Mapping {
  /** @param {Tagnode} node @param {string} descriptor @param {number} mover @param {Knobs} knobs */
  constructor(node, descriptor, mover, knobs) {
    this.node = node;
    this.descriptor = descriptor;
    this.mover = mover;
    /** Settles when the audio thread moves it. @type {Promise<void>} */
    this.ready = this.change(knobs);
  }

  /** Gives it other knobs; it goes on from where it is. @param {Knobs} knobs */
  change(knobs) {
    return this.node.order(this.mover, this.descriptor, knobs);
  }

  /** Moves a parameter. Its own value becomes 0 at that moment, as Web Audio adds the two.
   * @param {AudioParam} param */
  connect(param) {
    this.ready.then(() => {
      param.value = 0;
      this.node.connect(param, 1 + this.mover);
    });
    return this;
  }

  /** Stops moving a parameter, or all of them, which keep 0. @param {AudioParam} [param] */
  disconnect(param) {
    if (param) this.node.disconnect(param, 1 + this.mover);
    else this.node.disconnect(1 + this.mover);
    return this;
  }
}

/**
 * Analyses what is connected to it, in the audio thread. Output 0 is its input, without delay.
 *
 * Events: "frame", with each result of the model, and "signals"; their `detail` is a Result.
 *
 * @example
 * const node = await Tagnode.create(context, { model: "scene" });
 * voice.connect(node);
 * node.map("speech", { threshold: 0.5, attack: 0.1, min: 1, max: 0.2 }).connect(music.gain);
 */
export class Tagnode extends AudioWorkletNode {
  /** @param {BaseAudioContext} context @param {Core} core @param {object} processorOptions
   * @param {number} channels */
  constructor(context, core, processorOptions, channels) {
    super(context, "tagnode", {
      numberOfInputs: 1, numberOfOutputs: 1 + core.movers,
      outputChannelCount: [channels, ...Array(core.movers).fill(1)],
      channelCount: channels, channelCountMode: "explicit", processorOptions,
    });
    this.core = core;
    /** @type {import("./core.js").Label[]} */
    this.labels = [];
    /** Name of the model. */
    this.model = "";
    /** Seconds between two results, and from a sound to its result. */
    this.hop = 0;
    this.latency = 0;
    /** "simd128" or "portable" */
    this.instructions = "";
    this.used = 0;
    /** @type {Map<number, () => void>} */
    this.waiting = new Map();
    /** @type {Promise<void>} */
    this.started = new Promise((resolve, reject) => {
      this.port.onmessage = ({ data }) => {
        if (data.kind === "failed") return reject(new Error(data.sentence));
        if (data.kind === "ready") {
          this.labels = data.labels;
          [this.model, this.hop, this.latency] = [data.name, data.hop, data.latency];
          this.instructions = data.instructions;
          return resolve();
        }
        if (data.kind === "mapped") return this.waiting.get(data.mover)?.();
        const names = data.kind === "frame" ? this.descriptors : this.signalNames;
        const by = Object.fromEntries(names.map((name, i) => [name, data.values[i]]));
        return void this.dispatchEvent(new CustomEvent(data.kind, { detail: { ...data, by } }));
      };
    });
  }

  /**
   * @param {BaseAudioContext} context
   * @param {Options} [options]
   * @returns {Promise<Tagnode>}
   */
  static async create(context, options = {}) {
    if (!context.audioWorklet)
      throw new Error("There is no AudioWorklet here: browsers have it for pages from https and " +
        "from localhost only.");
    const { model = "scene", sha256, channels = 2, hop = 0.1, signals = 0, environment } = options;
    const base = new URL(options.base ?? ".", import.meta.url).href;
    const [module, bytes] = await Promise.all([
      load(base, options.portable), model === null ? null : fetchModel(model, base, sha256),
      context.audioWorklet.addModule(new URL("worklet.js", import.meta.url)),
    ]);
    const offline = "startRendering" in context;
    const node = new Tagnode(context, new Core(module), { module, model: bytes, channels, hop,
      signals, offline, environment }, channels);
    await node.started;
    return node;
  }

  /** Names of the descriptors of the model and its heads. */
  get descriptors() {
    return this.labels.map(({ descriptor }) => descriptor);
  }

  /** Names of the signals, "signal.rms_db". */
  get signalNames() {
    return this.core.signals.map(({ name }) => `signal.${name}`);
  }

  /**
   * Makes a mapping of a descriptor.
   * @param {string} descriptor "speech", "tag.speech", "head.any.voice", "signal.rms_db"; signals
   *   need `signals` in create's options
   * @param {Knobs} [knobs] those of presets: threshold or below for a gate, else low and high;
   *   hysteresis, invert, attack, release, hold, delay (s), depth, curve, min, max
   */
  map(descriptor, knobs = {}) {
    if (this.used === this.core.movers)
      throw new RangeError(`A node has ${this.core.movers} mappings at most.`);
    const mapping = new Mapping(this, descriptor, this.used, knobs);
    ++this.used;
    return mapping;
  }

  /** @param {number} mover @param {string} descriptor @param {Knobs} knobs @returns {Promise<void>} */
  order(mover, descriptor, knobs) {
    const signal = this.signalNames.findIndex((name) => name === descriptor ||
      name === `signal.${descriptor}`);
    const label = this.descriptors.findIndex((name) => name === descriptor ||
      name === `tag.${descriptor}`);
    if (label < 0 && signal < 0)
      throw new RangeError(`There is no descriptor ${descriptor}; there are ` +
        `${[...this.descriptors, ...this.signalNames].join(", ")}.`);
    const about = label < 0 ? this.core.signals[signal] : undefined;
    const order = { kind: "map", mover, signal: label < 0, source: label < 0 ? signal : label,
      knobs: this.core.mapping(knobs, about) };
    return new Promise((resolve) => {
      this.waiting.set(mover, resolve);
      this.port.postMessage(order);
    });
  }

  /** Frees the node, which no longer analyses. */
  close() {
    this.disconnect();
    this.port.postMessage({ kind: "close" });
  }
}
