// chart.js - a song over time on a canvas: mel spectrogram, beliefs, loudness, and a cursor.
import { windowAt } from "./song.js";

/** @typedef {import("./song.js").Song} Song */
/** @typedef {{at: number, height: number}} Band */

const AXIS = 20, LEFT = 40, GAP = 6; // pixels
const QUIET = -60; // LUFS, the bottom of the loudness

/** The colour of a label by its place. @param {number} place @param {boolean} dark */
export function colourOf(place, dark) {
  const hue = (211 + place * 137.508) % 360; // the golden angle keeps neighbours apart
  return `hsl(${hue.toFixed(0)} ${dark ? "70% 65%" : "65% 42%"})`;
}

/** "1:02", with some decimals. @param {number} seconds @param {number} places */
export function clock(seconds, places = 0) {
  const minutes = Math.floor(seconds / 60), rest = (seconds - 60 * minutes).toFixed(places);
  return `${minutes}:${rest.padStart(places ? places + 3 : 2, "0")}`;
}

export class Chart {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.below = document.createElement("canvas");
    this.above = document.createElement("canvas");
    place.append(this.below, this.above);
    /** @type {Song | null} */
    this.song = null;
    /** Indices of the labels that are drawn. @type {number[]} */
    this.shown = [];
    this.area = false;
    this.from = 0;
    this.to = 1;
    /** Seconds that are seen at most: the song's, or a longer one's beside it. */
    this.length = 1;
    this.time = 0;
    /** @type {number | null} */
    this.pointed = null;
    /** The mel spectrogram as a picture, which was made of `melOf`. */
    this.picture = new OffscreenCanvas(1, 1);
    /** @type {Song["mel"] | null} */
    this.melOf = null;
    this.melDark = false;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    /** What a click and a pointer do. */
    this.onseek = (/** @type {number} */ _time) => {};
    this.onpoint = (/** @type {number | null} */ _time) => {};
    /** What follows the scale: after a zoom, the seconds that are seen. */
    this.onscale = (/** @type {number} */ _seconds) => {};
    this.#listen();
  }

  #listen() {
    const { place } = this;
    new ResizeObserver(() => this.draw()).observe(place);
    this.dark.addEventListener("change", () => this.draw());
    place.addEventListener("click", (event) => this.onseek(this.#timeAt(event)));
    place.addEventListener("pointermove", (event) => this.point(this.#timeAt(event)));
    place.addEventListener("pointerleave", () => this.point(null));
    place.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY) && !event.shiftKey)
        return; // the page scrolls; with Ctrl or a pinch the chart zooms
      event.preventDefault();
      if (event.ctrlKey) this.zoom(Math.exp(event.deltaY / 200), this.#timeAt(event));
      else this.move(((event.deltaX || event.deltaY) / place.clientWidth) * (this.to - this.from));
    }, { passive: false });
  }

  /** @param {MouseEvent} event */
  #timeAt(event) {
    const { left, width } = this.place.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / (width - LEFT);
    return this.from + Math.max(0, Math.min(1, share)) * (this.to - this.from);
  }

  /** @param {number | null} time */
  point(time) {
    this.pointed = time;
    this.onpoint(time);
    this.#drawCursor();
  }

  /** @param {Song} song @param {number[]} shown */
  show(song, shown) {
    this.song = song;
    this.shown = shown;
    this.length = song.duration || 1;
    this.whole();
  }

  whole() {
    this.from = 0;
    this.scale(this.length);
    this.onscale(this.length);
  }

  /** Shows so many seconds. @param {number} seconds */
  scale(seconds) {
    this.to = this.from + seconds;
    this.move(0);
  }

  /** Multiplies the time that is seen. @param {number} factor @param {number} around seconds */
  zoom(factor, around = this.time) {
    const most = this.length, about = Math.max(this.from, Math.min(this.to, around));
    const width = Math.max(Math.min((this.to - this.from) * factor, most), Math.min(0.5, most));
    this.from = about - ((about - this.from) / (this.to - this.from)) * width;
    this.scale(width);
    this.onscale(width);
  }

  /** @param {number} seconds */
  move(seconds) {
    const width = this.to - this.from;
    this.from = Math.max(0, Math.min(this.length - width, this.from + seconds));
    this.to = this.from + width;
    this.draw();
  }

  /** Moves the cursor, and what is seen with it once it leaves that. @param {number} time */
  cursor(time) {
    this.time = time;
    if (time > this.to && this.to < (this.song?.duration ?? 0)) this.move(time - this.from);
    else if (time < this.from) this.move(time - this.from);
    this.#drawCursor();
  }

  /** @param {HTMLCanvasElement} canvas */
  #ready(canvas) {
    const { clientWidth: width, clientHeight: height } = this.place, scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    return { pen, width, height };
  }

  /** @param {string} name */
  #colour(name) {
    return getComputedStyle(this.place).getPropertyValue(name).trim();
  }

  /** @param {number} time @param {number} width */
  #x(time, width) {
    return LEFT + ((time - this.from) / (this.to - this.from)) * (width - LEFT);
  }

  draw() {
    const { pen, width, height } = this.#ready(this.below), { song } = this;
    if (!song || width <= LEFT) return;
    const inner = height - AXIS, mel = song.mel.columns > 0 ? Math.round(inner * 0.2) : 0;
    const loud = Math.round(inner * 0.17), beliefs = inner - mel - loud - 2 * GAP;
    pen.fillStyle = this.#colour("--dim");
    pen.strokeStyle = this.#colour("--line");
    this.#drawAxis(pen, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT, inner);
    pen.clip();
    if (mel) this.#drawMel(pen, song, width, { at: 0, height: mel });
    const band = { at: mel + GAP, height: beliefs };
    if (this.area) this.#drawArea(pen, song, width, band);
    else this.#drawLines(pen, song, width, band);
    this.#drawLoudness(pen, song, width, { at: inner - loud, height: loud });
    pen.restore();
    pen.fillStyle = this.#colour("--dim");
    pen.textAlign = "right";
    if (mel) pen.fillText("mel", LEFT - 6, 14);
    pen.fillText("1", LEFT - 6, band.at + 10);
    pen.fillText("0", LEFT - 6, band.at + band.height);
    pen.fillText("LUFS", LEFT - 6, inner - 4);
    this.#drawCursor();
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height */
  #drawAxis(pen, width, height) {
    const span = this.to - this.from;
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];
    const step = steps.find((each) => span / each <= Math.max(2, (width - LEFT) / 75)) ?? 3600;
    pen.textAlign = "center";
    for (let k = Math.ceil(this.from / step); k * step <= this.to; ++k) {
      const x = this.#x(k * step, width);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height - AXIS + 4);
      pen.stroke();
      if (x > LEFT + 10 && x < width - 16)
        pen.fillText(clock(k * step, step < 1 ? 1 : 0), x, height - 5);
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {Song} song @param {number} width @param {Band} band */
  #drawMel(pen, { mel }, width, band) {
    if (this.melOf !== mel || this.melDark !== this.dark.matches) {
      const picture = new OffscreenCanvas(mel.columns, mel.bands);
      const ink = /** @type {OffscreenCanvasRenderingContext2D} */ (picture.getContext("2d"));
      const image = ink.createImageData(mel.columns, mel.bands);
      const [paper, full] = this.dark.matches ? [[31, 32, 35], [109, 177, 245]]
        : [[255, 255, 255], [20, 70, 130]];
      for (let i = 0; i < mel.columns; ++i)
        for (let b = 0; b < mel.bands; ++b) {
          const share = mel.data[i * mel.bands + b] / 255;
          const at = 4 * ((mel.bands - 1 - b) * mel.columns + i);
          for (let c = 0; c < 3; ++c)
            image.data[at + c] = paper[c] + share * (full[c] - paper[c]);
          image.data[at + 3] = 255;
        }
      ink.putImageData(image, 0, 0);
      [this.melOf, this.melDark, this.picture] = [mel, this.dark.matches, picture];
    }
    const end = this.#x(mel.columns * mel.hop, width), begin = this.#x(0, width);
    pen.drawImage(this.picture, begin, band.at, end - begin, band.height);
  }

  /** Points of the windows that are seen: x, and the values. Several windows of one pixel are one
   * point, the mean of them. @param {Song} song @param {number} width */
  #points(song, width) {
    const first = Math.max(0, windowAt(song, this.from) - 1);
    const last = Math.min(song.values.length - 1, windowAt(song, this.to) + 1);
    const few = Math.max(1, Math.floor((last - first) / (width - LEFT)));
    const points = [];
    for (let i = first; i <= last; i += few) {
      const some = song.values.slice(i, Math.min(i + few, last + 1));
      const values = this.shown.map((k) => some.reduce((sum, row) => sum + row[k], 0) / some.length);
      points.push({ x: this.#x(song.first + (i + (some.length - 1) / 2) * song.hop, width), values });
    }
    if (points.length && first === 0) points.unshift({ ...points[0], x: this.#x(0, width) });
    if (points.length && last === song.values.length - 1)
      points.push({ ...points[points.length - 1], x: this.#x(song.duration, width) });
    return points;
  }

  /** @param {CanvasRenderingContext2D} pen @param {Song} song @param {number} width @param {Band} band */
  #drawLines(pen, song, width, band) {
    const points = this.#points(song, width);
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    this.shown.forEach((k, i) => {
      pen.strokeStyle = colourOf(k, this.dark.matches);
      pen.beginPath();
      for (const { x, values } of points) {
        const share = Math.max(0, Math.min(1, values[i]));
        pen.lineTo(x, band.at + 1 + (1 - share) * (band.height - 2));
      }
      pen.stroke();
    });
    pen.lineWidth = 1;
  }

  /** Shares of the labels that are shown, on top of each other; where their sum is above 1, of it.
   * @param {CanvasRenderingContext2D} pen @param {Song} song @param {number} width @param {Band} band */
  #drawArea(pen, song, width, band) {
    const points = this.#points(song, width).map(({ x, values }) => {
      const sum = Math.max(1, values.reduce((total, value) => total + value, 0));
      let height = 0;
      return { x, tops: [0, ...values.map((value) => (height += value / sum))] };
    });
    const y = (/** @type {number} */ share) => band.at + (1 - share) * band.height;
    this.shown.forEach((k, i) => {
      pen.fillStyle = colourOf(k, this.dark.matches);
      pen.beginPath();
      for (const { x, tops } of points) pen.lineTo(x, y(tops[i + 1]));
      for (const { x, tops } of points.slice().reverse()) pen.lineTo(x, y(tops[i]));
      pen.fill();
    });
  }

  /** @param {CanvasRenderingContext2D} pen @param {Song} song @param {number} width @param {Band} band */
  #drawLoudness(pen, { loudness }, width, band) {
    const few = Math.max(1, Math.floor((this.to - this.from) / loudness.hop / (width - LEFT)));
    const first = Math.max(0, Math.floor(this.from / loudness.hop) - 1);
    const last = Math.min(loudness.values.length, Math.ceil(this.to / loudness.hop) + 1);
    const floor = band.at + band.height;
    pen.fillStyle = this.#colour("--dim");
    pen.globalAlpha = 0.6;
    pen.beginPath();
    pen.moveTo(this.#x(first * loudness.hop, width), floor);
    for (let i = first; i < last; i += few) {
      const share = Math.max(0, 1 - loudness.values[i] / QUIET);
      pen.lineTo(this.#x((i + 1) * loudness.hop, width), floor - share * band.height);
    }
    pen.lineTo(this.#x(last * loudness.hop, width), floor);
    pen.fill();
    pen.globalAlpha = 1;
  }

  #drawCursor() {
    const { pen, width, height } = this.#ready(this.above);
    if (!this.song) return;
    for (const [time, colour, dash] of /** @type {[number | null, string, number[]][]} */ ([
      [this.pointed, "--dim", [3, 3]], [this.time, "--accent", []]])) {
      if (time === null || time < this.from || time > this.to) continue;
      const x = this.#x(time, width);
      pen.strokeStyle = this.#colour(colour);
      pen.lineWidth = dash.length ? 1 : 2;
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, height - AXIS);
      pen.stroke();
    }
  }

  /** A picture of it with its legend. @param {string} title @param {string[]} names of the labels
   * @returns {Promise<Blob>} */
  png(title, names) {
    const scale = devicePixelRatio || 1, lines = Math.ceil(names.length / 4);
    const canvas = document.createElement("canvas"), head = (30 + 20 * lines) * scale;
    canvas.width = this.below.width;
    canvas.height = this.below.height + head;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = this.#colour("--back");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(this.below, 0, head);
    pen.scale(scale, scale);
    pen.font = "bold 14px system-ui, sans-serif";
    pen.fillStyle = this.#colour("--fore");
    pen.fillText(title, 8, 20);
    pen.font = "12px system-ui, sans-serif";
    names.forEach((name, i) => {
      const x = 8 + ((i % 4) * (canvas.width / scale - 16)) / 4, y = 40 + 20 * Math.floor(i / 4);
      pen.fillStyle = colourOf(this.shown[i], this.dark.matches);
      pen.fillRect(x, y - 9, 10, 10);
      pen.fillStyle = this.#colour("--fore");
      pen.fillText(name, x + 15, y);
    });
    return new Promise((resolve, reject) => canvas.toBlob((blob) =>
      (blob ? resolve(blob) : reject(new Error("There is no memory for a picture.")))));
  }
}
