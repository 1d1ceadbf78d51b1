// A line over time, by uPlot: it draws hours of points in a few milliseconds.

import { html, useEffect, useRef, useState } from "/assets/view.js";
import uPlot from "/assets/vendor/uPlot.js";
import { rate } from "/assets/format.js";

const HEIGHT = 190;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Write a time under the axis, with its seconds where two labels lie within a minute. */
function label(time, neighbour) {
  const shape = { hour: "2-digit", minute: "2-digit" };
  if (neighbour !== undefined && Math.abs(neighbour - time) < 60) shape.second = "2-digit";
  return new Date(time * 1000).toLocaleTimeString("en-GB", shape);
}

function options(width, name, onCursor) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const font = "12px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT,
    padding: [12, 26, 0, 0], // room for half of the last label
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    // From 0 on, and never flat: a rate is read by its height.
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [
      { ...axis, font, grid: { show: false }, space: 80, size: 30, incrs: STEPS, values: (_, times) => times.map((t, i) => label(t, times[i + 1] ?? times[i - 1])) },
      { ...axis, font, size: 52, space: 36, values: (_, all) => all.map((v) =>
        Intl.NumberFormat("en-US", { notation: "compact" }).format(v)) },
    ],
    series: [
      {},
      { stroke: colour(name), width: 2, fill: colour(`${name}-soft`), points: { show: false } },
    ],
    hooks: { setCursor: [(u) => onCursor(u.cursor.idx ?? null)] },
  };
}

/** Seconds between two labels of the time axis: none within a second, where all would read the same. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600];

/** How long ago a point may be that is shown as what is so now: three looks of the service, seconds. */
const FRESH = 20;

/** The last value that is known, and where it lies; a stream that has ended leaves none behind it. */
function newest(values) {
  for (let i = values.length - 1; i >= 0; i -= 1) if (values[i] !== null) return i;
  return -1;
}

export function Chart({ title, unit, times, values, tone, theme, now }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  useEffect(() => {
    const width = () => Math.max(200, Math.floor(place.current.clientWidth));
    plot.current = new uPlot(options(width(), tone, setAt), [[], []], place.current);
    const watcher = new ResizeObserver(() => plot.current.setSize({ width: width(), height: HEIGHT }));
    watcher.observe(place.current);
    return () => {
      watcher.disconnect();
      plot.current.destroy();
    };
  }, [tone, theme]);
  useEffect(() => plot.current.setData([times, values]), [times, values, theme]);

  const known = values.filter((value) => value !== null);
  const end = newest(values);
  const last = end < 0 ? null : values[end];
  const seconds = (time) => new Date(time * 1000).toLocaleTimeString("en-GB");
  const of_last = end < 0 ? "" : now - times[end] < FRESH ? "now" : `as of ${seconds(times[end])}`;
  const most = known.length ? Math.max(...known) : null;
  const shown = at === null || at >= values.length ? last : values[at];
  const when = at === null || at >= times.length ? of_last : seconds(times[at]);
  return html`<figure class="chart">
    <figcaption>
      <span>${title}</span>
      <span class="reading"><b>${rate(shown)}</b> ${unit} <small>${when}</small></span>
    </figcaption>
    <div ref=${place} class=${times.length < 2 ? "blank" : ""} role="img"
      aria-label=${`${title} over time. ${rate(last)} ${unit} ${of_last}, at most ${rate(most)}.`}></div>
    ${times.length < 2 && html`<p class="empty over">Waiting for the first points …</p>`}
  </figure>`;
}
