// What the server sends, as types; this module has no code.

/**
 * @typedef {object} Times
 * @property {number} now milliseconds of UTC
 * @property {number} start
 * @property {number} end
 * @property {[number, number][]} offsets from when, and minutes from UTC
 * @property {string[]} classes
 */

/**
 * @typedef {object} Comparison
 * @property {string} name
 * @property {boolean} above
 * @property {number} value
 * @property {string} unit
 * @property {number | null} measured
 */

/**
 * @typedef {object} Alarm
 * @property {number} id
 * @property {string} station
 * @property {string} rule
 * @property {number} start
 * @property {number} opened
 * @property {number | null} end
 * @property {number | null} closed
 * @property {string} reason
 * @property {number | null} acknowledged
 * @property {string} note
 * @property {string | null} clip
 * @property {string} meaning
 * @property {number | null} hold
 * @property {Comparison[][]} why
 * @property {Record<string, number>} values
 */

/**
 * @typedef {object} Result
 * @property {string} station
 * @property {string} state
 * @property {string} on_air
 * @property {number | null} since
 * @property {string} title
 * @property {string[]} alarms
 * @property {number | null} loudness
 * @property {number | null} momentary
 * @property {number | null} peak
 * @property {Record<string, number>} labels
 */

/**
 * @typedef {object} Strip
 * @property {number} start
 * @property {number} seconds
 * @property {string[]} names
 * @property {string[]} labels
 * @property {string[]} kinds
 * @property {(number | null)[][]} values
 */

/**
 * @typedef {object} LiveExtra
 * @property {string} id
 * @property {string} kind
 * @property {number} seconds_since_audio
 * @property {Alarm[]} open_alarms
 * @property {Strip} strip
 * @property {string | null} source
 * @property {boolean} listen
 */

/** @typedef {Result & LiveExtra} Station */
/** @typedef {Times & {stations: Station[]}} LivePage */

/**
 * @typedef {object} LogRow
 * @property {string} station
 * @property {number} start
 * @property {number} end
 * @property {boolean} open
 * @property {string} kind
 * @property {number | null} loudness
 * @property {string[]} titles
 */

/** @typedef {Times & {day: string, stations: string[], count: number, rows: LogRow[]}} LogPage */

/**
 * @typedef {object} DayStation
 * @property {string} station
 * @property {[number, number, string][]} segments
 * @property {Alarm[]} alarms
 * @property {Record<string, number>} seconds
 * @property {{start: number, seconds: Record<string, number>}[]} hours
 */

/** @typedef {Times & {day: string, hours: number, names: string[], stations: DayStation[]}} DayPage */
/** @typedef {Times & {stations: string[], open: Alarm[], closed: Alarm[]}} AlarmsPage */

/**
 * @typedef {object} HealthExtra
 * @property {boolean} ok
 * @property {string} problem
 * @property {string} version
 * @property {{station: string, state: string, seconds_since_audio: number, restarts: number}[]} stations
 * @property {Record<string, number>} counters
 * @property {number} log_bytes
 * @property {number} disk_free
 * @property {number} disk_total
 * @property {{target: string, waiting: number, oldest: number, tries: number}[]} deliveries
 * @property {{time: number, station: string | null, kind: string, message: string}[]} events
 */

/** @typedef {Times & HealthExtra} HealthPage */

export {};
