/** Compiles tagnode.wasm, once for each address. @param {string} base @param {boolean} [portable] */
export function load(base?: string, portable?: boolean): Promise<WebAssembly.Module>;
/** Returns the bytes of a model after comparing them with their hash.
 * @param {Options["model"]} model @param {string} base @param {string} [sha256]
 * @returns {Promise<Uint8Array>} */
export function fetchModel(model: Options["model"], base?: string, sha256?: string): Promise<Uint8Array>;
export { analyse } from "./recording.js";
/** A descriptor that moves AudioParams; made by Tagnode.map. */
export class Mapping {
    /** @param {Tagnode} node @param {string} descriptor @param {number} mover @param {Knobs} knobs */
    constructor(node: Tagnode, descriptor: string, mover: number, knobs: Knobs);
    node: Tagnode;
    descriptor: string;
    mover: number;
    /** Settles when the audio thread moves it. @type {Promise<void>} */
    ready: Promise<void>;
    /** Gives it other knobs; it goes on from where it is. @param {Knobs} knobs */
    change(knobs: Knobs): Promise<void>;
    /** Moves a parameter. Its own value becomes 0 at that moment, as Web Audio adds the two.
     * @param {AudioParam} param */
    connect(param: AudioParam): this;
    /** Stops moving a parameter, or all of them, which keep 0. @param {AudioParam} [param] */
    disconnect(param?: AudioParam): this;
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
    /**
     * @param {BaseAudioContext} context
     * @param {Options} [options]
     * @returns {Promise<Tagnode>}
     */
    static create(context: BaseAudioContext, options?: Options): Promise<Tagnode>;
    /** @param {BaseAudioContext} context @param {Core} core @param {object} processorOptions
     * @param {number} channels */
    constructor(context: BaseAudioContext, core: Core, processorOptions: object, channels: number);
    core: Core;
    /** @type {import("./core.js").Label[]} */
    labels: import("./core.js").Label[];
    /** Name of the model. */
    model: string;
    /** Seconds between two results, and from a sound to its result. */
    hop: number;
    latency: number;
    /** "simd128" or "portable" */
    instructions: string;
    used: number;
    /** @type {Map<number, () => void>} */
    waiting: Map<number, () => void>;
    /** @type {Promise<void>} */
    started: Promise<void>;
    /** Names of the descriptors of the model and its heads. */
    get descriptors(): string[];
    /** Names of the signals, "signal.rms_db". */
    get signalNames(): string[];
    /**
     * Makes a mapping of a descriptor.
     * @param {string} descriptor "speech", "tag.speech", "head.any.voice", "signal.rms_db"; signals
     *   need `signals` in create's options
     * @param {Knobs} [knobs] those of presets: threshold or below for a gate, else low and high;
     *   hysteresis, invert, attack, release, hold, delay (s), depth, curve, min, max
     */
    map(descriptor: string, knobs?: Knobs): Mapping;
    /** @param {number} mover @param {string} descriptor @param {Knobs} knobs @returns {Promise<void>} */
    order(mover: number, descriptor: string, knobs: Knobs): Promise<void>;
    /** Frees the node, which no longer analyses. */
    close(): void;
}
export type Knobs = import("./core.js").Knobs;
export type Result = {
    /**
     * seconds of the stream that it describes, from
     */
    start: number;
    /**
     * to
     */
    end: number;
    /**
     * seconds of the stream at which it was there
     */
    emitted: number;
    /**
     * "warming", "fresh" or "held"
     */
    state: string;
    /**
     * in the order of `labels`, or of `signals`
     */
    values: Float32Array;
    /**
     * values by the name of their descriptor, "tag.speech"
     */
    by: Record<string, number>;
};
export type Options = {
    /**
     * the name of a model that the
     * package has, the address of a .tagnode file (with a / or a dot), or its bytes; null to measure
     * only. "scene" by default.
     */
    model?: string | ArrayBuffer | Uint8Array<ArrayBufferLike> | URL | null | undefined;
    /**
     * of that file, in hex; the package's own models are always checked
     */
    sha256?: string | undefined;
    /**
     * of the input, 1 to 8; 2 by default
     */
    channels?: number | undefined;
    /**
     * seconds between two results, 0.1 by default
     */
    hop?: number | undefined;
    /**
     * seconds between two measurements; 0, none, by default
     */
    signals?: number | undefined;
    /**
     * address of the folder with tagnode.wasm and models; that of this module
     * by default
     */
    base?: string | undefined;
    /**
     * take the build without SIMD
     */
    portable?: boolean | undefined;
    /**
     * variables: TAGNODE_ISA
     */
    environment?: Record<string, string> | undefined;
};
import { Core } from "./core.js";
import { hasSimd } from "./core.js";
export { Core, hasSimd };
