// worklet.js - a node in the audio thread.
import { Core } from "./core.js";

const QUANTUM = 2048; // samples of the largest block; browsers process 128 today

class TagnodeProcessor extends AudioWorkletProcessor {
  /** @param {AudioWorkletNodeOptions} options */
  constructor(options) {
    super();
    const { module, model, channels, hop, signals, offline, environment } =
      options.processorOptions;
    this.movers = 0;
    try {
      const core = new Core(module, environment);
      const loaded = model ? core.model(model) : null;
      this.node = core.node(loaded, { sampleRate, channels, maxFrames: QUANTUM, hop, signals,
        offline });
      this.measures = signals > 0;
      const numbers = this.node.numbers();
      this.port.postMessage({ kind: "ready", labels: loaded?.labels ?? [],
        name: loaded?.name ?? "", latency: numbers.latency / sampleRate,
        instructions: core.text(core.wasm.web_instruction_set()),
        hop: loaded ? numbers.hopFrames * loaded.card.hop / loaded.card.sampleRate : 0 });
    } catch (error) {
      this.port.postMessage({ kind: "failed", sentence: String(/** @type {any} */ (error).message) });
    }
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** @param {any} order */
  receive(order) {
    if (order.kind === "close") {
      this.closed = true;
    } else if (order.kind === "map" && this.node) {
      this.node.map(order.mover, order.signal, order.source, order.knobs);
      this.movers = Math.max(this.movers, order.mover + 1);
      this.port.postMessage({ kind: "mapped", mover: order.mover });
    }
  }

  /** @param {Float32Array[][]} inputs @param {Float32Array[][]} outputs */
  process(inputs, outputs) {
    const { node } = this, [input] = inputs, [through] = outputs;
    if (!node || this.closed) return false;
    node.refresh();
    const frames = (through[0] ?? outputs[1][0]).length;
    node.input.forEach((to, c) => {
      if (input[c]) to.set(input[c]);
      else to.fill(0, 0, frames);
      if (through[c] && input[c]) through[c].set(input[c]);
    });
    node.process(frames);
    while (node.read()) this.post("frame", node.values);
    while (this.measures && node.readSignals()) this.post("signals", node.signals);
    for (let i = 0; i < this.movers; ++i) outputs[1 + i]?.[0]?.set(node.move(i, frames));
    return true;
  }

  /** @param {string} kind @param {Float32Array} values */
  post(kind, values) {
    const { frame, state } = /** @type {import("./core.js").Node} */ (this.node);
    this.port.postMessage({ kind, start: frame[0] / sampleRate, end: frame[1] / sampleRate,
      emitted: frame[2] / sampleRate, state, values: values.slice() });
  }
}

registerProcessor("tagnode", TagnodeProcessor);
