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
export function analyse(core: Core, model: Model, channels: Float32Array[], sampleRate: number, options?: {
    hop?: number | undefined;
    signals?: number | undefined;
    progress?: ((share: number) => void) | undefined;
}): Analysis;
export type Core = import("./core.js").Core;
export type Model = import("./core.js").Model;
export type Analysis = {
    /**
     * seconds between the starts of two windows
     */
    hop: number;
    /**
     * seconds
     */
    window: number;
    /**
     * of each window, in the order of the model's labels
     */
    values: Float32Array[];
    /**
     * seconds between two measurements
     */
    signalHop: number;
    /**
     * in the order of core.signals
     */
    signals: Float32Array[];
    /**
     * seconds between two mel frames
     */
    melHop: number;
    bands: number;
    /**
     * frames one after the other
     */
    mel: Float32Array;
    /**
     * sentences for a person
     */
    notes: string[];
};
