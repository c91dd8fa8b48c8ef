// sniff.js - what browsers do not report of a sound file: its sample rate, as they decode to any rate
// that is asked for, by a resampler of their own; and the full scale of 16 bits.

const MPEG = [[11025, 12000, 8000], null, [22050, 24000, 16000], [44100, 48000, 32000]];

/**
 * @param {Uint8Array} bytes the beginning of the file, or all of it
 * @returns {number | null} Hz
 */
export function sampleRateOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const is = (/** @type {string} */ text, /** @type {number} */ at) =>
    at + text.length <= bytes.length &&
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  const flac = (/** @type {number} */ at) =>
    at + 21 <= bytes.length ? view.getUint32(at + 18) >>> 12 : null;
  try {
    if (is("RIFF", 0) && is("WAVE", 8)) {
      for (let at = 12; at + 16 <= bytes.length;) {
        if (is("fmt ", at)) return view.getUint32(at + 12, true);
        at += 8 + view.getUint32(at + 4, true) + view.getUint32(at + 4, true) % 2;
      }
    }
    if (is("fLaC", 0)) return flac(0);
    if (is("OggS", 0)) {
      const at = 27 + bytes[26];
      if (is("\x01vorbis", at)) return view.getUint32(at + 12, true);
      if (is("OpusHead", at)) return 48000;
      if (is("\x7fFLAC", at)) return flac(at + 9);
    }
    if (is("ftyp", 4)) {
      for (let at = 0; at + 32 < bytes.length; ++at)
        if (bytes[at] === 0x6d && is("mdhd", at))
          return view.getUint32(at + (bytes[at + 4] === 1 ? 24 : 16));
    }
    let at = 0;
    if (is("ID3", 0))
      at = 10 + ((bytes[6] << 21) | (bytes[7] << 14) | (bytes[8] << 7) | bytes[9]);
    for (const end = Math.min(bytes.length - 4, at + 65536); at < end; ++at) {
      if (bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) continue;
      const rates = MPEG[(bytes[at + 1] >> 3) & 3], rate = (bytes[at + 2] >> 2) & 3;
      if (rates && rate < 3 && (bytes[at + 1] & 6) !== 0 && (bytes[at + 2] >> 4) < 15)
        return rates[rate];
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends early
  }
  return null;
}

/**
 * Chromium divides negative samples of 16 bits by 32768 and the others by 32767. The program divides
 * all by 32768, and so does this afterwards.
 * @param {Float32Array} samples changed in place
 */
export function evenScale(samples) {
  let seen = 0;
  for (let i = 0; i < samples.length && seen < 2000; ++i) {
    const steps = samples[i] * (samples[i] > 0 ? 32767 : 32768);
    if (Math.abs(steps - Math.round(steps)) > 0.01) return; // another resolution
    if (samples[i] > 0) ++seen;
  }
  for (let i = 0; i < samples.length; ++i)
    if (samples[i] > 0) samples[i] = Math.round(samples[i] * 32767) / 32768;
}
