/** Returns whether this engine has SIMD; tagnode.wasm needs it, tagnode-portable.wasm does not. */
export function hasSimd(): boolean;
/** An instance of the module. */
export class Core {
    /**
     * @param {WebAssembly.Module} module tagnode.wasm
     * @param {Record<string, string>} [environment] variables: TAGNODE_ISA
     */
    constructor(module: WebAssembly.Module, environment?: Record<string, string>);
    /** @type {any} */
    wasm: any;
    /** @type {WebAssembly.Memory} */
    memory: WebAssembly.Memory;
    /** Parameters that a node can move. @type {number} */
    movers: number;
    /** @type {Signal[]} */
    signals: Signal[];
    /** @type {Knob[]} */
    knobs: Knob[];
    /** Returns the text at an address. @param {number} at */
    text(at: number): string;
    /** Throws the sentence of the call that failed. @returns {never} */
    fail(): never;
    /** Calls `use` with the address of a copy of these bytes.
     * @template T @param {ArrayBufferView} view @param {(at: number) => T} use @returns {T} */
    lend<T>(view: ArrayBufferView, use: (at: number) => T): T;
    /** Returns floats at an address. @param {number} at @param {number} length */
    floats(at: number, length: number): Float32Array<ArrayBuffer>;
    /** Returns the number of each knob, in the order of the table; keys are those of presets: `threshold`
     * makes a gate, and so does `below`.
     * @param {Knobs} given @param {Signal} [signal] whose usual range is the default */
    mapping(given: Knobs, signal?: Signal): Float64Array<ArrayBuffer>;
    /** Reads a .tagnode file. @param {Uint8Array} bytes */
    model(bytes: Uint8Array): Model;
    /** Prepares a node. @param {Model | null} model must not be freed before it @param {Setup} setup */
    node(model: Model | null, setup: Setup): Node;
    #private;
}
export class Model {
    /** @param {Core} core @param {number} at */
    constructor(core: Core, at: number);
    core: Core;
    at: number;
    name: string;
    /** @type {Record<(typeof MODEL)[number], number>} */
    card: Record<(typeof MODEL)[number], number>;
    /** @type {Label[]} */
    labels: Label[];
    free(): void;
}
export class Node {
    /** @param {Core} core @param {Model | null} model @param {Setup} setup */
    constructor(core: Core, model: Model | null, setup: Setup);
    /** Where the input of each channel is written. @type {Float32Array[]} */
    input: Float32Array[];
    /** Start, end, emitted (samples) and state of what was read last. */
    frame: Float64Array<ArrayBuffer>;
    values: Float32Array<ArrayBuffer>;
    signals: Float32Array<ArrayBuffer>;
    mel: Float32Array<ArrayBuffer>;
    core: Core;
    setup: Setup;
    at: any;
    buffer: ArrayBuffer | undefined;
    /** Makes the views anew after the memory has grown, which only core.node and core.model do. */
    refresh(): void;
    /** @returns {Record<(typeof NODE)[number], number>} */
    numbers(): Record<(typeof NODE)[number], number>;
    /** Processes that many samples of `input`. @param {number} frames */
    process(frames: number): void;
    /** Reads the next result into `frame` and `values`; false if there is none. */
    read(): boolean;
    /** Reads the next measurement into `frame` and `signals`. */
    readSignals(): boolean;
    /** Reads the next mel frame into `mel`. */
    readMel(): boolean;
    get state(): string;
    /** Connects a mover, see face.h. @param {number} mover @param {boolean} signal
     * @param {number} source @param {Float64Array} knobs those of core.mapping */
    map(mover: number, signal: boolean, source: number, knobs: Float64Array): void;
    /** Returns a mover's parameter at each of the last samples. @param {number} mover @param {number} frames */
    move(mover: number, frames: number): Float32Array<ArrayBuffer>;
    free(): void;
    #private;
}
export type Label = {
    text: string;
    head: string;
    descriptor: string;
};
export type Signal = {
    name: string;
    low: number;
    high: number;
};
export type Knob = {
    name: string;
    start: number;
    choices: string[];
};
export type Knobs = Record<string, number | boolean | string>;
export type Setup = {
    /**
     * Hz, 8000 to 192000
     */
    sampleRate: number;
    /**
     * 1 to 8
     */
    channels: number;
    /**
     * samples of the largest block
     */
    maxFrames: number;
    /**
     * seconds between two results of the model
     */
    hop?: number | undefined;
    /**
     * seconds between two measurements, 0 for none
     */
    signals?: number | undefined;
    /**
     * mel frames that are kept for readMel, 0 for none
     */
    mel?: number | undefined;
    /**
     * accept a model that is slower than real time
     */
    offline?: boolean | undefined;
    /**
     * no result before every window is filled, as recordings are analysed
     */
    whole?: boolean | undefined;
};
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
declare const MODEL: readonly ["count", "sampleRate", "frame", "fft", "hop", "bands", "patch", "fromZero"];
declare const NODE: readonly ["latency", "hopFrames", "firstFrames", "values", "bands", "replaced"];
export {};
