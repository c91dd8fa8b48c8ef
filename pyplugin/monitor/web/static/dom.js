// Elements. Text is only ever set as text, so markup in a title stays what it is: characters.

/** @typedef {string | number | Node | null | undefined | false} Child */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Attribute */

/**
 * Return an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, Attribute>} [attributes] of them `onclick` and the like are functions
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(name, String(value));
  }
  fill(made, children);
  return made;
}

/**
 * Replace what is in an element.
 * @param {Element} parent
 * @param {Child[]} children
 */
export function fill(parent, children) {
  const kept = children.filter((child) => child !== null && child !== undefined && child !== false);
  parent.replaceChildren(...kept.map((child) => (child instanceof Node ? child : String(child))));
}

/**
 * Set a text, if it is another one: a screen reader announces what changes.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return an element of the document.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return found;
}

/**
 * Return the colour of a class of what is on air, for a canvas.
 * @param {string} kind
 * @returns {string}
 */
export function colourOf(kind) {
  return style(`--on-${kind.replaceAll(" ", "-")}`) || style("--on-other");
}

/**
 * Return a property of the style sheet.
 * @param {string} name
 * @returns {string}
 */
export function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Return a chip with the colour of a class.
 * @param {string} kind
 * @returns {HTMLElement}
 */
export function chip(kind) {
  return h("span", { class: `chip on-${kind.replaceAll(" ", "-")}` }, kind);
}

/**
 * Return a canvas that draws itself again when its size or the colour scheme changes.
 * @param {Record<string, Attribute>} attributes
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 * @returns {{canvas: HTMLCanvasElement, redraw: () => void}}
 */
export function drawn(attributes, draw) {
  const canvas = h("canvas", { role: "img", ...attributes });
  const redraw = () => {
    const { width, height } = canvas.getBoundingClientRect();
    const scale = window.devicePixelRatio || 1;
    const context = canvas.getContext("2d");
    if (!width || !height || !context) return;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    draw(context, width, height);
  };
  new ResizeObserver(redraw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { canvas, redraw };
}
