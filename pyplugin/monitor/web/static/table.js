// A table of which only the rows that are seen are there: ten thousand scroll as ten do.

import { fill, h } from "./dom.js";

const AROUND = 8; // rows above and below what is seen

/**
 * @template R
 * @typedef {object} Column
 * @property {string} title
 * @property {string} name class of its cells
 * @property {(row: R) => import("./dom.js").Child} cell
 */

/** @template R */
export class Table {
  /**
   * @param {string} label for a screen reader
   * @param {Column<R>[]} columns
   */
  constructor(label, columns) {
    this.columns = columns;
    /** @type {R[]} */
    this.rows = [];
    /** @type {Map<number, HTMLElement>} */
    this.shown = new Map();
    this.height = 1;
    const titles = columns.map(({ title, name }) =>
      h("span", { role: "columnheader", class: name }, title),
    );
    const head = h("div", { role: "row", class: "row head", "aria-rowindex": 1 }, ...titles);
    this.body = h("div", { role: "rowgroup", class: "body" });
    this.table = h(
      "div",
      { role: "table", "aria-label": label },
      h("div", { role: "rowgroup", class: "headings" }, head),
      this.body,
    );
    this.element = h(
      "div",
      { class: "table", role: "region", "aria-label": label, tabindex: 0 },
      this.table,
    );
    let asked = false;
    const later = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        this.draw();
      });
    };
    this.element.addEventListener("scroll", later, { passive: true });
    new ResizeObserver(() => this.measure()).observe(this.element);
  }

  /** @param {R[]} rows */
  show(rows) {
    this.rows = rows;
    this.table.setAttribute("aria-rowcount", String(rows.length + 1));
    this.measure();
  }

  /** Ask the style sheet how high a row is, and draw all anew. */
  measure() {
    this.height = parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 36;
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.shown.clear();
    this.body.replaceChildren();
    this.draw();
  }

  draw() {
    const top = this.element.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - AROUND);
    const seen = Math.ceil(this.element.clientHeight / this.height) + 2 * AROUND;
    const end = Math.min(this.rows.length, first + seen);
    /** @type {HTMLElement[]} */
    const free = [];
    for (const [index, element] of this.shown) {
      if (index >= first && index < end) continue;
      this.shown.delete(index);
      free.push(element);
    }
    for (let index = first; index < end; index++) {
      if (this.shown.has(index)) continue;
      const element = free.pop() ?? this.made();
      this.write(element, index);
      this.shown.set(index, element);
    }
    for (const element of free) element.remove();
  }

  made() {
    const cells = this.columns.map(({ name }) => h("span", { role: "cell", class: name }));
    const row = h("div", { role: "row", class: "row" }, ...cells);
    this.body.append(row);
    return row;
  }

  /**
   * @param {HTMLElement} element
   * @param {number} index
   */
  write(element, index) {
    element.setAttribute("aria-rowindex", String(index + 2));
    element.style.transform = `translateY(${index * this.height}px)`;
    const row = this.rows[index];
    this.columns.forEach(({ cell }, at) => fill(element.children[at], [cell(row)]));
  }
}
