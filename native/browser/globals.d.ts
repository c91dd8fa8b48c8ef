// globals.d.ts - what an AudioWorklet's module has, which TypeScript's libraries lack.
declare const sampleRate: number;
declare function registerProcessor(name: string, type: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
