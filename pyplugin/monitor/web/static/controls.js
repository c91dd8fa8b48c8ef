// Filters that several pages have.

import { fill, h } from "./dom.js";

/**
 * Return a labelled field.
 * @param {string} text
 * @param {HTMLElement} control
 */
export function field(text, control) {
  return h("label", { class: "field" }, h("span", {}, text), control);
}

/**
 * Return a selection whose first option, without a value, means all.
 * @param {string} name
 * @param {string} all
 */
export function selection(name, all) {
  const select = h("select", { name }, h("option", { value: "" }, all));
  const given = new URLSearchParams(location.search).get(name) ?? "";
  if (given) select.append(h("option", { value: given, selected: true }, given));
  return select;
}

/**
 * Give a selection its options, and keep what is chosen.
 * @param {HTMLSelectElement} select
 * @param {string[]} values
 */
export function offer(select, values) {
  const known = [...select.options].slice(1).map((option) => option.value);
  if (known.join("\n") === values.join("\n")) return;
  const [all] = select.options;
  const chosen = select.value;
  fill(select, [all, ...values.map((value) => h("option", { value }, value))]);
  select.value = values.includes(chosen) ? chosen : "";
}

/**
 * Return a field for a day.
 * @param {string} name
 */
export function dayInput(name) {
  const given = new URLSearchParams(location.search).get(name) ?? "";
  return h("input", { type: "date", name, value: given });
}
