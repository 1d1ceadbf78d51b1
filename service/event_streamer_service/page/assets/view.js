// What every part of the page is written with: Preact's hooks, and templates that make its elements.

import htm from "/assets/vendor/htm.js";
import { h } from "/assets/vendor/preact-htm.js";

export { render, useCallback, useEffect, useRef, useState } from "/assets/vendor/preact-htm.js";

/**
 * Make elements of a template.
 *
 * htm keeps what a template makes of parts without values, and gives it out again. Such an element remembers its
 * parent of the first time, and by that all rows that were ever shown since: 8,000 events were 80 MB that nothing
 * freed. `3` says that no part is to be kept (htm's README, "Caching").
 */
export const html = htm.bind(function make(...parts) {
  this[0] = 3;
  return h(...parts);
});
