// second.js - a second song below the first: the same labels and scale, a player and a cursor of its own.
import { Chart, clock } from "./chart.js";
import { Cursor } from "./cursor.js";
import { labelName, windowAt } from "./song.js";

/** @typedef {import("./song.js").Song} Song */

/** The shown labels at a time. @param {Chart} chart @param {number} time */
export function valuesAt({ song, shown }, time) {
  const row = song?.values[windowAt(song, time)];
  return song && row ? `${clock(time, 1)}  ` +
    shown.map((k) => `${labelName(song.labels[k])} ${row[k].toFixed(2)}`).join("  ") : "";
}

export class Second {
  /**
   * @param {HTMLElement} place
   * @param {Chart} first
   */
  constructor(place, first) {
    const part = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (place.querySelector(name));
    this.place = place;
    this.first = first;
    this.title = part("h2");
    this.player = /** @type {HTMLAudioElement} */ (part("audio"));
    this.chart = new Chart(part(".chart"));
    this.file = new Blob();
    this.address = "";
    const now = part(".now");
    this.cursor = new Cursor(this.chart, this.player, (time) => {
      now.textContent = valuesAt(this.chart, time);
    });
    this.chart.onpoint = (time) => {
      now.textContent = valuesAt(this.chart, time ?? this.chart.time);
    };
    first.onscale = (seconds) => this.chart.scale(seconds);
    this.chart.onscale = (seconds) => first.scale(seconds);
    part("button").onclick = () => this.close();
  }

  /** @param {Song} song @param {Blob} file */
  show(song, file) {
    this.file = file;
    this.place.hidden = false;
    this.title.textContent = song.name;
    URL.revokeObjectURL(this.address);
    this.player.src = this.address = URL.createObjectURL(file);
    this.chart.show(song, this.first.shown);
    this.align();
    this.cursor.show(0);
  }

  /** Takes the labels and the length of both songs, after one of them has changed; what another
   * model found has no place below. */
  align() {
    const { chart, first } = this;
    if (!chart.song || !first.song) return;
    if (chart.song.model !== first.song.model) {
      this.close();
      return;
    }
    [chart.shown, chart.area] = [first.shown, first.area];
    chart.length = first.length = Math.max(chart.song.duration, first.song.duration) || 1;
    first.whole();
    chart.whole();
  }

  /** Draws the labels that the first one shows. */
  draw() {
    [this.chart.shown, this.chart.area] = [this.first.shown, this.first.area];
    this.chart.draw();
    this.chart.onpoint(null);
  }

  close() {
    this.player.pause();
    this.chart.song = null;
    this.place.hidden = true;
    this.first.length = this.first.song?.duration || 1;
    this.first.whole();
  }
}
