// core.js - tagnode.wasm in any JavaScript: pages, workers, AudioWorklets, Node.js.
// What an AudioWorklet lacks (TextDecoder, fetch) is not used here.

/** @typedef {{text: string, head: string, descriptor: string}} Label */
/** @typedef {{name: string, low: number, high: number}} Signal */
/** @typedef {{name: string, start: number, choices: string[]}} Knob */
/** @typedef {Record<string, number | boolean | string>} Knobs */
/**
 * @typedef {object} Setup
 * @property {number} sampleRate Hz, 8000 to 192000
 * @property {number} channels 1 to 8
 * @property {number} maxFrames samples of the largest block
 * @property {number} [hop] seconds between two results of the model
 * @property {number} [signals] seconds between two measurements, 0 for none
 * @property {number} [mel] mel frames that are kept for readMel, 0 for none
 * @property {boolean} [offline] accept a model that is slower than real time
 * @property {boolean} [whole] no result before every window is filled, as recordings are analysed
 */

/** Fields of a model and of a node, in the order of face.h. */
const MODEL = /** @type {const} */ (["count", "sampleRate", "frame", "fft", "hop", "bands", "patch",
  "fromZero"]);
const NODE = /** @type {const} */ (["latency", "hopFrames", "firstFrames", "values", "bands",
  "replaced"]);
const STATES = ["warming", "fresh", "held"];

/** Returns whether this engine has SIMD; tagnode.wasm needs it, tagnode-portable.wasm does not. */
export function hasSimd() {
  // A function that returns i8x16.popcnt(i8x16.splat(0)).
  return WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123,
    3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));
}

/** An instance of the module. */
export class Core {
  /**
   * @param {WebAssembly.Module} module tagnode.wasm
   * @param {Record<string, string>} [environment] variables: TAGNODE_ISA
   */
  constructor(module, environment = {}) {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: {
        environ_sizes_get: (/** @type {number} */ count, /** @type {number} */ size) => {
          this.#words()[count >> 2] = variables.length;
          this.#words()[size >> 2] = variables.join("").length;
          return 0;
        },
        environ_get: (/** @type {number} */ list, /** @type {number} */ at) => {
          for (const variable of variables) {
            this.#words()[list >> 2] = at;
            list += 4;
            for (const letter of variable) this.#bytes()[at++] = letter.charCodeAt(0);
          }
          return 0;
        },
        clock_time_get: (/** @type {number} */ _, /** @type {bigint} */ __,
          /** @type {number} */ at) => {
          const now = globalThis.performance ? performance.now() : Date.now();
          new BigUint64Array(this.memory.buffer, at, 1)[0] = BigInt(Math.round(now * 1e6));
          return 0;
        },
        poll_oneoff: () => 52, // ENOSYS: nothing waits here
        proc_exit: () => {
          throw new Error("tagnode.wasm has stopped; load the page again.");
        },
      },
    });
    /** @type {any} */
    this.wasm = instance.exports;
    /** @type {WebAssembly.Memory} */
    this.memory = this.wasm.memory;
    this.wasm._initialize();
    /** Parameters that a node can move. @type {number} */
    this.movers = this.wasm.web_mover_count();
    /** @type {Signal[]} */
    this.signals = [];
    for (let i = 0, name; (name = this.text(this.wasm.web_signal_name(i))); ++i)
      this.signals.push({ name, low: this.wasm.web_signal_low(i),
        high: this.wasm.web_signal_high(i) });
    /** @type {Knob[]} */
    this.knobs = [];
    for (let i = 0, name; (name = this.text(this.wasm.web_knob_name(i))); ++i) {
      const choices = [];
      for (let j = 0, choice; (choice = this.text(this.wasm.web_knob_choice(i, j))); ++j)
        choices.push(choice);
      this.knobs.push({ name, start: this.wasm.web_knob_default(i), choices });
    }
  }

  #words() {
    return new Uint32Array(this.memory.buffer);
  }

  #bytes() {
    return new Uint8Array(this.memory.buffer);
  }

  /** Returns the text at an address. @param {number} at */
  text(at) {
    const bytes = this.#bytes();
    let escaped = "";
    for (; bytes[at] !== 0; ++at) escaped += `%${bytes[at].toString(16).padStart(2, "0")}`;
    return decodeURIComponent(escaped);
  }

  /** Throws the sentence of the call that failed. @returns {never} */
  fail() {
    throw new Error(this.text(this.wasm.web_message()) || "There is no memory for a node.");
  }

  /** Calls `use` with the address of a copy of these bytes.
   * @template T @param {ArrayBufferView} view @param {(at: number) => T} use @returns {T} */
  lend(view, use) {
    const at = this.wasm.web_allocate(view.byteLength || 1);
    if (at === 0) throw new Error("There is no memory for a model.");
    try {
      this.#bytes().set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at);
      return use(at);
    } finally {
      this.wasm.web_release(at);
    }
  }

  /** Returns floats at an address. @param {number} at @param {number} length */
  floats(at, length) {
    return new Float32Array(this.memory.buffer, at, length);
  }

  /** Returns the number of each knob, in the order of the table; keys are those of presets: `threshold`
   * makes a gate, and so does `below`.
   * @param {Knobs} given @param {Signal} [signal] whose usual range is the default */
  mapping(given, signal) {
    const { below, ...rest } = given;
    /** @type {Knobs} */
    const wanted = { ...(signal ? { low: signal.low, high: signal.high } : {}), ...rest };
    if (below !== undefined) Object.assign(wanted, { gate: "below", threshold: below });
    else if ("threshold" in given && !("gate" in given)) wanted.gate = "above";
    const numbers = Float64Array.from(this.knobs, (knob) => {
      const value = wanted[knob.name] ?? knob.start;
      delete wanted[knob.name];
      if (typeof value !== "string") return Number(value);
      const choice = knob.choices.indexOf(value);
      if (choice >= 0) return choice;
      throw new RangeError(`${knob.name} is ${value}; ` +
        (knob.choices.length ? `one of ${knob.choices.join(", ")}` : "a number") + " is expected.");
    });
    const [other] = Object.keys(wanted);
    if (other !== undefined)
      throw new RangeError(`There is no knob ${other}; there are below, ` +
        `${this.knobs.map((knob) => knob.name).join(", ")}.`);
    this.lend(numbers, (at) => this.wasm.web_mapping_check(at) || this.fail());
    return numbers;
  }

  /** Reads a .tagnode file. @param {Uint8Array} bytes */
  model(bytes) {
    const at = this.lend(bytes, (from) => this.wasm.web_model_read(from, bytes.length));
    return new Model(this, at || this.fail());
  }

  /** Prepares a node. @param {Model | null} model must not be freed before it @param {Setup} setup */
  node(model, setup) {
    return new Node(this, model, setup);
  }
}

export class Model {
  /** @param {Core} core @param {number} at */
  constructor(core, at) {
    const { wasm } = core;
    this.core = core;
    this.at = at;
    this.name = core.text(wasm.web_model_name(at));
    const numbers = MODEL.map((name, field) => [name, wasm.web_model_number(at, field)]);
    /** @type {Record<(typeof MODEL)[number], number>} */
    this.card = Object.fromEntries(numbers);
    /** @type {Label[]} */
    this.labels = Array.from({ length: this.card.count }, (_, i) => ({
      text: core.text(wasm.web_label_text(at, i)),
      head: core.text(wasm.web_label_head(at, i)),
      descriptor: core.text(wasm.web_label_descriptor(at, i)),
    }));
  }

  free() {
    this.core.wasm.web_model_free(this.at);
    this.at = 0;
  }
}

export class Node {
  /** Where the input of each channel is written. @type {Float32Array[]} */
  input = [];
  /** Start, end, emitted (samples) and state of what was read last. */
  frame = new Float64Array(0);
  values = new Float32Array(0);
  signals = new Float32Array(0);
  mel = new Float32Array(0);

  /** @param {Core} core @param {Model | null} model @param {Setup} setup */
  constructor(core, model, setup) {
    const { wasm } = core;
    this.core = core;
    this.setup = setup;
    this.at = wasm.web_node_create(model?.at ?? 0, setup.sampleRate, setup.channels,
      setup.maxFrames, setup.hop ?? 0.1, setup.signals ?? 0, setup.mel ?? 0,
      setup.offline ?? false, setup.whole ?? false) || core.fail();
    this.#view();
  }

  #view() {
    const { core, at, setup } = this, { wasm } = core;
    const { values, bands } = this.numbers();
    this.buffer = core.memory.buffer;
    this.input = Array.from({ length: setup.channels },
      (_, c) => core.floats(wasm.web_node_input(at, c), setup.maxFrames));
    this.frame = new Float64Array(this.buffer, wasm.web_node_frame(at), 4);
    this.values = core.floats(wasm.web_node_values(at), values);
    this.signals = core.floats(wasm.web_node_signals(at), core.signals.length);
    this.mel = core.floats(wasm.web_node_mel(at), bands);
  }

  /** Makes the views anew after the memory has grown, which only core.node and core.model do. */
  refresh() {
    if (this.buffer !== this.core.memory.buffer) this.#view();
  }

  /** @returns {Record<(typeof NODE)[number], number>} */
  numbers() {
    const { core, at } = this;
    return /** @type {any} */ (Object.fromEntries(
      NODE.map((name, field) => [name, core.wasm.web_node_number(at, field)])));
  }

  /** Processes that many samples of `input`. @param {number} frames */
  process(frames) {
    this.core.wasm.web_node_process(this.at, frames);
  }

  /** Reads the next result into `frame` and `values`; false if there is none. */
  read() {
    return this.core.wasm.web_node_read(this.at) !== 0;
  }

  /** Reads the next measurement into `frame` and `signals`. */
  readSignals() {
    return this.core.wasm.web_node_read_signals(this.at) !== 0;
  }

  /** Reads the next mel frame into `mel`. */
  readMel() {
    return this.core.wasm.web_node_read_mel(this.at) !== 0;
  }

  get state() {
    return STATES[this.frame[3]];
  }

  /** Connects a mover, see face.h. @param {number} mover @param {boolean} signal
   * @param {number} source @param {Float64Array} knobs those of core.mapping */
  map(mover, signal, source, knobs) {
    this.core.lend(knobs, (at) =>
      this.core.wasm.web_node_map(this.at, mover, signal, source, at) || this.core.fail());
  }

  /** Returns a mover's parameter at each of the last samples. @param {number} mover @param {number} frames */
  move(mover, frames) {
    return this.core.floats(this.core.wasm.web_node_move(this.at, mover, frames), frames);
  }

  free() {
    this.core.wasm.web_node_free(this.at);
    this.at = 0;
  }
}
