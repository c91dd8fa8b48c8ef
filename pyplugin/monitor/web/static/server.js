// What comes from the server: pages' JSON, events, and what is sent to it.

import { byId, say } from "./dom.js";

const WAITS = [1000, 2000, 4000, 8000]; // milliseconds before a connection is tried again
const SILENT = 20000; // milliseconds without an event after which a connection counts as lost

/** Show why something failed; nothing where it works again. @param {string} sentence */
export function fault(sentence) {
  const place = byId("fault");
  say(place, sentence);
  place.hidden = !sentence;
}

/**
 * Return what an address answers.
 * @param {string} address relative to the page
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { headers: { Accept: "application/json" }, ...options });
  } catch {
    throw new Error("The monitor does not answer; it is asked again.");
  }
  if (response.status === 401) {
    const page = location.pathname.split("/").pop() ?? "";
    location.assign(`sign-in?page=${encodeURIComponent(page)}`);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `The monitor answers ${response.status}.`);
  return body;
}

/**
 * Return a page's JSON.
 * @template T
 * @param {string} name
 * @param {URLSearchParams} [query]
 * @returns {Promise<T>}
 */
export function load(name, query) {
  const asked = query?.toString();
  return ask(`${name}.json${asked ? `?${asked}` : ""}`);
}

/**
 * Mark an alarm as seen.
 * @param {number} alarm
 * @param {string} note
 */
export async function acknowledge(alarm, note) {
  try {
    await ask(`api/v1/alarms/${alarm}/ack`, { method: "POST", body: note });
    fault("");
  } catch (error) {
    fault(`The alarm is not acknowledged: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * Follow the events for as long as the page is shown. What a page shows may have changed while
 * there was no connection, also since a restart of the server, so `refresh` is called with each.
 * @param {() => Promise<void>} refresh reads the page's JSON anew
 * @param {Record<string, (content: any) => void>} handlers by the kind of event
 */
export function follow(refresh, handlers = {}) {
  /** @type {EventSource | null} */
  let source = null;
  let failures = 0;
  let last = Date.now();
  /** @type {number | undefined} */
  let waiting;

  const state = byId("connection");
  const again = async () => {
    try {
      await refresh();
      fault("");
    } catch (error) {
      fault(/** @type {Error} */ (error).message);
    }
  };

  const stop = () => {
    source?.close();
    source = null;
    clearTimeout(waiting);
  };

  const retry = () => {
    stop();
    state.dataset.state = "lost";
    say(state, "Reconnecting");
    waiting = setTimeout(connect, WAITS[Math.min(failures++, WAITS.length - 1)]);
    again(); // which says why, or leads to the sign-in
  };

  const connect = () => {
    stop();
    last = Date.now();
    source = new EventSource("api/v1/stream");
    source.onopen = () => {
      failures = 0;
      last = Date.now();
      state.dataset.state = "live";
      say(state, "Live");
      again();
    };
    source.onerror = retry;
    source.addEventListener("result", () => (last = Date.now()));
    for (const [kind, handle] of Object.entries(handlers))
      source.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
    for (const kind of ["alarm", "acknowledged"])
      if (!(kind in handlers)) source.addEventListener(kind, again);
  };

  setInterval(() => {
    if (source && Date.now() - last > SILENT) retry();
  }, 1000);
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : connect()));
  connect();
}

/**
 * Follow a form of filters: they are part of the address, so a view of the page can be shared.
 * @param {HTMLFormElement} form
 * @param {() => void} changed
 * @returns {() => URLSearchParams} what is asked for now
 */
export function filters(form, changed) {
  const query = () => {
    const given = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) given.set(name, String(value));
    return given;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    const asked = query().toString();
    history.replaceState(null, "", `${location.pathname}${asked ? `?${asked}` : ""}`);
    changed();
  });
  return query;
}
