// Times as the clock of the monitor's machine shows them, wherever the browser is.

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

export class Clock {
  /** @param {import("./types.js").Times} times */
  constructor(times) {
    this.offsets = times.offsets;
    this.ahead = times.now - Date.now(); // of the browser's clock
  }

  /** Now, in milliseconds of UTC, by the clock of the monitor. */
  now() {
    return Date.now() + this.ahead;
  }

  /**
   * Return a time whose UTC fields are those of the local time.
   * @param {number} utc milliseconds
   */
  local(utc) {
    let minutes = this.offsets[0][1];
    for (const [from, offset] of this.offsets) if (from <= utc) minutes = offset;
    return new Date(utc + minutes * 60000);
  }

  /** @param {number} utc */
  hour(utc) {
    return two(this.local(utc).getUTCHours());
  }

  /** @param {number} utc */
  minute(utc) {
    const at = this.local(utc);
    return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  }

  /** @param {number} utc */
  second(utc) {
    return `${this.minute(utc)}:${two(this.local(utc).getUTCSeconds())}`;
  }

  /** @param {number} utc */
  day(utc) {
    return this.local(utc).toISOString().slice(0, 10);
  }

  /**
   * Return a time of today by its hour, another one with its day.
   * @param {number} utc
   */
  moment(utc) {
    const today = this.day(utc) === this.day(this.now());
    return today ? this.second(utc) : `${this.day(utc)} ${this.second(utc)}`;
  }
}

/**
 * Return a length of time: `42 s`, `3:07 min`, `1:02:09 h`.
 * @param {number} milliseconds
 */
export function lasted(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes}:${two(seconds % 60)} min`;
  return `${hours}:${two(minutes % 60)}:${two(seconds % 60)} h`;
}

/**
 * Return a length of time in hours and minutes: `3 h 12 min`.
 * @param {number} seconds
 */
export function hours(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Return a day so many days later.
 * @param {string} day as 2026-11-30
 * @param {number} count
 */
export function laterDay(day, count) {
  const at = new Date(`${day}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}
