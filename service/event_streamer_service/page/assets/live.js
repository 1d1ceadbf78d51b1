// Events of one subscription as they come, over a connection that only looks on.

import { html, useEffect, useRef, useState } from "/assets/view.js";
import { Refused, lines } from "/assets/api.js";
import { clock, count, rate, short, signature, visible } from "/assets/format.js";

const KEPT = 100;
const DRAWN_EVERY = 250;
const METADATA = new Set(["block_number", "transaction_hash", "log_index", "address", "timestamp", "block_hash"]);

/** Follow a subscription; `show` gets the newest rows a few times a second, whatever comes. */
function follow(id, show) {
  const ended = new AbortController();
  let rows = [];
  let number = 0;
  let total = 0;
  let status = "connecting";
  let dirty = true;

  const add = (row) => {
    rows.unshift({ ...row, number: number++ });
    dirty = true;
  };
  const take = (message) => {
    if (message.type === "event_batch") {
      for (const [name, events] of Object.entries(message.events)) {
        for (const event of events) {
          total += 1;
          add({ kind: "event", name, event });
        }
      }
    } else if (message.type === "reorg") {
      add({ kind: "reorg", text: `Reorganisation: ${message.removed_blocks.length} blocks above ${message.common_ancestor} were taken back.` });
    } else if (message.type === "error") {
      add({ kind: "error", text: visible(`${message.error_code}: ${message.error_message}`) });
    } else if (message.type === "end") {
      status = "finished";
      dirty = true;
    }
    if (rows.length > KEPT) rows.length = KEPT;
  };
  const run = async () => {
    for (let wait = 1; !ended.signal.aborted && status !== "finished"; wait = Math.min(wait * 2, 30)) {
      try {
        status = "connecting";
        for await (const message of lines(`/subscriptions/${id}/watch?last_blocks=20`, ended.signal)) {
          if (status === "connecting") {
            rows = [];
            status = "live";
            wait = 1;
          }
          take(message);
        }
      } catch (problem) {
        if (ended.signal.aborted) return;
        if (problem instanceof Refused && problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
          status = visible(problem.message);
          dirty = true;
          return;
        }
      }
      if (status === "finished") return;
      status = "reconnecting";
      dirty = true;
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  };

  let drawn = { total: 0, at: performance.now(), rate: 0 };
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - drawn.at >= 1000) {
      drawn = { total, at: now, rate: (1000 * (total - drawn.total)) / (now - drawn.at) };
      dirty = true;
    }
    if (dirty && !document.hidden) {
      dirty = false;
      show({ rows: rows.slice(), total, status, rate: drawn.rate });
    }
  }, DRAWN_EVERY);
  run();
  return () => {
    ended.abort();
    clearInterval(timer);
  };
}

function Value({ name, value }) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return html`<span class="value"><span class="name">${visible(name, 60)}</span> <bdi title=${visible(text, 2000)}>${short(text)}</bdi></span>`;
}

function Row({ row }) {
  if (row.kind !== "event") return html`<div class=${`row ${row.kind}`}>${row.text}</div>`;
  const { event } = row;
  return html`<div class="row">
    <span class="when"><time>${clock(event.timestamp)}</time> <span class="name">block</span> ${count(event.block_number)}</span>
    <span class="values">
      ${Object.entries(event).filter(([name]) => !METADATA.has(name)).map(([name, value]) => html`<${Value} name=${name} value=${value} />`)}
    </span>
    <span class="from"><${Value} name="contract" value=${event.address ?? ""} /> <${Value} name="tx" value=${event.transaction_hash ?? ""} /></span>
  </div>`;
}

const STATUS = {
  live: ["ok", "Live"],
  connecting: ["quiet", "Connecting"],
  reconnecting: ["warn", "Connecting again"],
  finished: ["quiet", "End of the range"],
};

export function Live({ subscription, onClose }) {
  const [view, setView] = useState({ rows: [], total: 0, status: "connecting", rate: 0 });
  const [held, setHeld] = useState(null);
  const place = useRef(null);
  useEffect(() => {
    setHeld(null);
    setView({ rows: [], total: 0, status: "connecting", rate: 0 });
    return follow(subscription.id, setView);
  }, [subscription.id]);
  useEffect(() => place.current.focus(), [subscription.id]);
  const rows = held ?? view.rows;
  const [tone, said] = STATUS[view.status] ?? ["bad", view.status];
  return html`<section class="card live" aria-labelledby="live-title">
    <header>
      <h2 id="live-title" tabindex="-1" ref=${place}>Live events <span class="of">of #${subscription.id} <bdi>${signature(subscription.event_signature)}</bdi></span></h2>
      <span class=${`pill ${tone}`} role="status">${said}</span>
      <span class="grow"></span>
      <span class="numbers">${rate(view.rate)} events/s, ${count(view.total)} seen</span>
      <button onClick=${() => setHeld(held ? null : view.rows)} aria-pressed=${held ? "true" : "false"}>${held ? "Go on" : "Hold"}</button>
      <button onClick=${onClose}>Close</button>
    </header>
    <div class="rows" role="log" aria-live="off" aria-label="Events, newest first" tabindex="0">
      ${rows.map((row) => html`<${Row} key=${row.number} row=${row} />`)}
    </div>
    ${rows.length === 0 && html`<p class="empty">No event in the newest blocks yet. It appears here as soon as it is mined.</p>`}
    <p class="hint">This view only looks on: it acknowledges nothing, and the subscription's progress stays where it is. The newest ${KEPT} rows are kept.</p>
  </section>`;
}
