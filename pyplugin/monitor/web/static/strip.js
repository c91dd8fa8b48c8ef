// The last ten minutes of a station: a row a label, the darker the surer, and what was on air below.

import { colourOf, drawn, h, style } from "./dom.js";

const ROW = 11; // pixels
const RIBBON = 8;

export class StripView {
  /** @param {import("./types.js").Strip} strip */
  constructor(strip) {
    this.strip = strip;
    this.names = h("ul", { class: "strip-names", "aria-hidden": "true" });
    const { canvas, redraw } = drawn({ class: "strip" }, (context, width, height) =>
      this.draw(context, width, height),
    );
    this.canvas = canvas;
    this.redraw = redraw;
    this.element = h("div", { class: "strip-view" }, this.names, canvas);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    this.show(strip);
  }

  /** @param {import("./types.js").Strip} strip */
  show(strip) {
    this.strip = strip;
    /** @type {Map<number, number>} sums of the cell that is not complete */
    this.counts = new Map();
    this.names.replaceChildren(...strip.labels.map((label) => h("li", {}, label)));
    const rows = Math.max(strip.labels.length, 1);
    this.canvas.style.height = `${rows * ROW + RIBBON + 2}px`;
    this.describe();
    this.redraw();
  }

  /**
   * Take what is known at a time: its cell is the mean of what was known in it.
   * @param {number} time
   * @param {import("./types.js").Result} result
   */
  add(time, result) {
    const { strip } = this;
    const count = strip.kinds.length;
    let place = Math.floor((time - strip.start) / 1000 / strip.seconds);
    while (place >= count) {
      strip.start += 1000 * strip.seconds;
      for (const row of [strip.kinds, ...strip.values]) row.shift();
      strip.kinds.push("");
      for (const row of strip.values) row.push(null);
      this.counts = new Map();
      place -= 1;
    }
    if (place < 0) return;
    strip.kinds[place] = result.state === "on air" ? result.on_air : "off air";
    strip.names.forEach((name, index) => {
      const value = result.labels[name];
      if (value === undefined) return;
      const seen = this.counts?.get(index) ?? 0;
      const before = strip.values[index][place] ?? value;
      strip.values[index][place] = (before * seen + value) / (seen + 1);
      this.counts?.set(index, seen + 1);
    });
    this.describe();
    this.redraw();
  }

  describe() {
    const { strip } = this;
    const means = strip.labels.map((label, index) => {
      const known = strip.values[index].filter((value) => value !== null);
      const mean = known.reduce((sum, value) => sum + (value ?? 0), 0) / Math.max(known.length, 1);
      return `${label} ${Math.round(100 * mean)} %`;
    });
    const text = `Last ten minutes, on average: ${means.join(", ") || "nothing is known"}.`;
    this.canvas.setAttribute("aria-label", text);
  }

  /** @param {PointerEvent} event */
  point(event) {
    const { strip } = this;
    const box = this.canvas.getBoundingClientRect();
    const cell = Math.floor(((event.clientX - box.left) / box.width) * strip.kinds.length);
    const ago = (strip.kinds.length - cell) * strip.seconds;
    const values = strip.labels.map((label, index) => {
      const value = strip.values[index][cell];
      return value === null || value === undefined ? `${label} –` : `${label} ${value.toFixed(2)}`;
    });
    this.canvas.title = `${ago} s ago: ${strip.kinds[cell] || "unknown"}\n${values.join("\n")}`;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} width
   * @param {number} height
   */
  draw(context, width, height) {
    const { strip } = this;
    const step = width / strip.kinds.length;
    const ink = style("--belief");
    context.fillStyle = style("--well");
    context.fillRect(0, 0, width, height - RIBBON - 2);
    context.fillStyle = ink;
    strip.values.forEach((row, index) => {
      row.forEach((value, cell) => {
        if (value === null || value < 0.02) return;
        context.globalAlpha = Math.min(1, value);
        context.fillRect(cell * step, index * ROW, step + 0.5, ROW - 1);
      });
    });
    context.globalAlpha = 1;
    strip.kinds.forEach((kind, cell) => {
      context.fillStyle = kind ? colourOf(kind) : style("--well");
      context.fillRect(cell * step, height - RIBBON, step + 0.5, RIBBON);
    });
    context.fillStyle = style("--grid"); // each minute
    for (let minute = 1; minute < 10; minute++)
      context.fillRect(Math.round((minute * width) / 10), 0, 1, height - RIBBON - 2);
  }
}
