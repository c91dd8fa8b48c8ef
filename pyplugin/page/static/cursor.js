// cursor.js - the cursor of a chart: in step with playback, moved by clicks and keys.
import { clock } from "./chart.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }; // seconds

export class Cursor {
  /**
   * @param {import("./chart.js").Chart} chart
   * @param {HTMLAudioElement} player hidden while there is nothing to play
   * @param {(time: number) => void} moved
   */
  constructor(chart, player, moved) {
    this.chart = chart;
    this.player = player;
    this.moved = moved;
    chart.onseek = (time) => this.seek(time);
    chart.place.addEventListener("keydown", (event) => {
      const step = STEPS[/** @type {keyof STEPS} */ (event.key)];
      if (step === undefined) return;
      event.preventDefault();
      this.seek(chart.time + step);
    });
    const tick = () => {
      if (this.#plays && (!player.paused || player.currentTime !== chart.time))
        this.show(player.currentTime);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** Whether the browser can play the song of the chart. */
  get #plays() {
    return this.chart.song !== null && !this.player.hidden && this.player.readyState > 0;
  }

  /** Shows what is at a time. @param {number} time */
  show(time) {
    const { chart } = this;
    chart.cursor(time);
    chart.place.setAttribute("aria-valuemax", String(chart.song?.duration ?? 0));
    chart.place.setAttribute("aria-valuenow", time.toFixed(2));
    chart.place.setAttribute("aria-valuetext", clock(time, 1));
    this.moved(time);
  }

  /** @param {number} time */
  seek(time) {
    const { song } = this.chart;
    if (!song) return;
    const at = Math.max(0, Math.min(song.duration, time));
    if (this.#plays) this.player.currentTime = at;
    this.show(at);
  }
}
