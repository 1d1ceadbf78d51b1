// The parts of the page that show one answer of the service each.

import { html } from "/assets/view.js";
import { ago, count, duration, rate, short, signature, things, visible } from "/assets/format.js";
import { wanted } from "/assets/topics.js";

const STATES = { closed: ["ok", "Closed"], open: ["bad", "Open"], half_open: ["warn", "Half open"] };
const STATUSES = { active: "ok", paused: "warn", finished: "quiet", idle: "quiet" };

/** Where several processes share the database: whose view some figures are. */
export function ofReplica(overview) {
  return overview.replicas?.length > 1 ? `of replica ${visible(overview.replica, 40)}` : null;
}

function Tile({ name, value, note, tone = "" }) {
  return html`<div class=${`tile ${tone}`}><dt>${name}</dt><dd><b>${value}</b> ${note && html`<small>${note}</small>`}</dd></div>`;
}

export function Tiles({ overview, total }) {
  const streams = overview.connections.filter((each) => !each.watches);
  const behind = overview.subscriptions.map((each) => each.blocks_behind).filter((each) => each !== null);
  const nodes = overview.chains.flatMap((chain) => chain.nodes);
  const open = nodes.filter((node) => node.state !== "closed" || node.consecutive_failures > 0).length;
  return html`<dl class="tiles">
    <${Tile} name="Events per second" value=${rate(overview.events_per_second)} note=${ofReplica(overview)} />
    <${Tile} name="Furthest behind" value=${behind.length ? count(Math.max(...behind)) : "–"} note="blocks" />
    <${Tile} name="Open streams" value=${count(streams.length)} note=${things(total, "subscription")} />
    <${Tile} name="Nodes in order" value=${`${nodes.length - open} of ${nodes.length}`} tone=${open ? "warn" : ""} note=${things(overview.chains.length, "chain")} />
  </dl>`;
}

function Progress({ subscription, chain, pace }) {
  const head = chain?.head_block ?? null;
  const end = subscription.end_block;
  const aim = end === null ? head : end;
  const done = subscription.last_processed_block;
  const name = `Progress of subscription ${subscription.id}`;
  if (aim === null) return html`<span class="muted">${done === null ? `nothing yet, from block ${count(subscription.start_block)}` : `block ${count(done)}`}, head unknown</span>`;
  const size = Math.max(1, aim - subscription.start_block + 1);
  const share = done === null ? 0 : Math.min(1, (done - subscription.start_block + 1) / size);
  const percent = share === 1 ? "100" : Math.min(99.9, 100 * share).toFixed(1);
  return html`<div class="progress">
    <progress max="1" value=${share} aria-label=${name}></progress>
    <span class="numbers">${percent} % <small>${done === null ? `nothing yet of blocks ${count(subscription.start_block)} to` : `block ${count(done)} of`} ${count(aim)}${end === null ? " (head)" : ""}</small></span>
  </div>`;
}

function SubscriptionRow({ each, overview, watched, actions }) {
  const chain = overview.chains.find((known) => known.chain_id === each.chain_id);
  const pace = overview.subscriptions.find((known) => known.subscription_id === each.id);
  const elsewhere = [...new Set(overview.connections.filter((c) => c.replica && c.subscription_id === each.id).map((c) => visible(c.replica, 40)))];
  const aim = each.end_block ?? chain?.head_block ?? null;
  // Of what another replica streams the progress is known, as it was saved.
  const behind = pace ? pace.blocks_behind : elsewhere.length && aim !== null ? Math.max(0, aim - (each.last_processed_block ?? each.start_block - 1)) : undefined;
  const contracts = each.addresses.length === 0 ? "every contract" : each.addresses.length === 1 ? short(each.addresses[0]) : `${each.addresses.length} contracts`;
  return html`<tr class=${watched ? "chosen" : ""}>
    <th scope="row"><span class="id">#${each.id}</span> <bdi class="event">${signature(each.event_signature)}</bdi>
      <small>${visible(chain?.name ?? `chain ${each.chain_id}`, 40)} · ${contracts} · <bdi>${visible(each.subscriber_id, 40)}</bdi></small>
      ${wanted(each).length > 0 && html`<small>where ${wanted(each).map((one, i) => html`${i > 0 && " and "}<bdi title=${one.all}>${one.name} is ${one.shown}</bdi>`)}</small>`}
      ${elsewhere.length > 0 && html`<small>streamed by replica ${elsewhere.join(", ")}</small>`}
      ${each.problem && html`<small class="problem">${visible(each.problem)}</small>`}</th>
    <td data-name="Progress"><${Progress} subscription=${each} chain=${chain} pace=${pace} /></td>
    <td data-name="Events/s" class="number">${rate(pace?.events_per_second)}</td>
    <td data-name="Behind" class="number">${count(behind)}</td>
    <td data-name="Time left" class="number">${pace && pace.blocks_behind === 0 ? "at the head" : duration(pace?.seconds_left)}</td>
    <td data-name="Status"><span class=${`pill ${STATUSES[each.streaming_status] ?? "quiet"}`}>${visible(each.streaming_status, 20)}</span></td>
    <td class="buttons">
      <button onClick=${() => actions.watch(each)} aria-label=${`Watch subscription ${each.id}`} aria-pressed=${watched ? "true" : "false"}>Watch</button>
      ${each.is_streaming
        ? html`<button onClick=${() => actions.pause(each)} aria-label=${`Pause subscription ${each.id}`}>Pause</button>`
        : html`<button onClick=${() => actions.resume(each)} aria-label=${`Resume subscription ${each.id}`}>Resume</button>`}
      <button class="danger quiet" onClick=${() => actions.remove(each)} aria-label=${`Delete subscription ${each.id}`}>Delete</button>
    </td>
  </tr>`;
}

export function Subscriptions({ overview, list, page, pageSize, onPage, watched, actions }) {
  const pages = Math.max(1, Math.ceil(list.total / pageSize));
  return html`<section class="card" aria-labelledby="subscriptions-title">
    <header><h2 id="subscriptions-title">Subscriptions</h2><span class="badge">${count(list.total)}</span><span class="grow"></span>
      <button class="primary" onClick=${actions.create}>New subscription</button></header>
    ${list.subscriptions.length === 0
      ? html`<p class="empty">No subscription yet. Create one here, or with <code>client.subscribe(…)</code>.</p>`
      : html`<table class="stacked"><thead><tr><th scope="col">Event</th><th scope="col">Progress</th><th scope="col" class="number">Events/s</th>
          <th scope="col" class="number">Behind</th><th scope="col" class="number">Time left</th><th scope="col">Status</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
        <tbody>${list.subscriptions.map((each) => html`<${SubscriptionRow} key=${each.id} each=${each} overview=${overview} watched=${watched?.id === each.id} actions=${actions} />`)}</tbody></table>`}
    ${pages > 1 && html`<nav class="pager" aria-label="Pages of subscriptions">
      <button disabled=${page === 1} onClick=${() => onPage(page - 1)}>Back</button><span>Page ${page} of ${pages}</span>
      <button disabled=${page >= pages} onClick=${() => onPage(page + 1)}>On</button></nav>`}
  </section>`;
}

function Node({ node, chain, overview, actions }) {
  const fails = node.consecutive_failures > 0;
  const [tone, said] = node.state === "closed" && fails ? ["warn", "Closed, fails"] : STATES[node.state] ?? ["quiet", node.state];
  return html`<tr>
    <th scope="row">${visible(node.name, 60)} <small><bdi>${node.url ? visible(node.url, 120) : "host not shown"}</bdi></small>
      ${(node.state !== "closed" || fails) && node.last_error && html`<small class="problem">${visible(node.last_error)}</small>`}</th>
    <td data-name="Circuit breaker"><span class=${`pill ${tone}`}>${said}</span>
      ${node.state === "open" && html`<small> tried again in ${duration(node.retry_after)}</small>`}</td>
    <td data-name="Calls" class="number">${count(node.total_calls)}</td>
    <td data-name="Failed" class="number">${count(node.failure_count)}</td>
    <td data-name="Mean time" class="number">${rate(node.average_response_time)} ms</td>
    <td class="buttons">${overview.caller.is_admin && html`<button disabled=${node.state === "closed"} onClick=${() => actions.reset(node.name)} aria-label=${`Reset circuit breaker ${node.name}`}>Reset</button>`}</td>
  </tr>`;
}

export function Chains({ overview, actions }) {
  return html`<section class="card" aria-labelledby="chains-title">
    <header><h2 id="chains-title">Chains and nodes</h2><span class="badge">${overview.chains.length}</span>${ofReplica(overview) && html`<small>${ofReplica(overview)}</small>`}</header>
    ${overview.chains.length === 0 && html`<p class="empty">No chain is active.</p>`}
    ${overview.chains.map((chain) => html`<article class="chain" key=${chain.chain_id} aria-label=${`Chain ${chain.chain_id}`}>
      <h3><bdi>${visible(chain.name, 80)}</bdi> <small>chain ${chain.chain_id}</small></h3>
      <dl class="facts">
        <div><dt>Head</dt><dd>${count(chain.head_block)}</dd></div>
        <div><dt>Last block</dt><dd>${chain.head_changed_at ? ago(chain.head_changed_at, overview.timestamp) : "not followed"}</dd></div>
        <div><dt>Reorganisations</dt><dd>${count(chain.reorgs)}</dd></div>
        <div><dt>Followers</dt><dd>${count(chain.streams)}</dd></div>
      </dl>
      ${chain.problem && html`<p class="problem">${visible(chain.problem)}</p>`}
      <table class="stacked"><thead><tr><th scope="col">Node</th><th scope="col">Circuit breaker</th><th scope="col" class="number">Calls</th>
        <th scope="col" class="number">Failed</th><th scope="col" class="number">Mean time</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
        <tbody>${chain.nodes.map((node) => html`<${Node} key=${node.name} node=${node} chain=${chain} overview=${overview} actions=${actions} />`)}</tbody></table>
    </article>`)}
  </section>`;
}

export function Connections({ overview }) {
  return html`<section class="card" aria-labelledby="connections-title">
    <header><h2 id="connections-title">Connections</h2><span class="badge">${overview.connections.length}</span></header>
    ${overview.connections.length === 0 ? html`<p class="empty">Nobody is connected.</p>` : html`<table class="stacked">
      <thead><tr><th scope="col">Of</th><th scope="col">Client</th><th scope="col" class="number">Events</th><th scope="col" class="number">Block</th><th scope="col" class="number">Unacknowledged</th></tr></thead>
      <tbody>${overview.connections.slice(0, 100).map((each) => html`<tr key=${each.connection_id}>
        <th scope="row">#${each.subscription_id} ${each.opened_at && html`<small>since ${ago(each.opened_at, overview.timestamp).replace(" ago", "")}</small>`}</th>
        <td data-name="Client">${each.replica ? html`<bdi>at replica ${visible(each.replica, 40)}</bdi>` : each.watches ? html`<span class="pill quiet">watches</span>` : html`<bdi>${visible(each.client ?? "not named", 60)}</bdi>`}</td>
        <td data-name="Events" class="number">${count(each.events)}</td>
        <td data-name="Block" class="number">${count(each.block)}</td>
        <td data-name="Unacknowledged" class="number">${each.watches ? "–" : count(each.unacknowledged)}</td></tr>`)}</tbody></table>`}
    ${overview.connections.length > 100 && html`<p class="hint">The first 100 are shown.</p>`}
  </section>`;
}

export function Replicas({ overview }) {
  if (!ofReplica(overview)) return null;
  return html`<section class="card" aria-labelledby="replicas-title">
    <header><h2 id="replicas-title">Replicas</h2><span class="badge">${overview.replicas.length}</span></header>
    <table class="stacked"><thead><tr><th scope="col">Replica</th><th scope="col">Chains</th><th scope="col" class="number">Streams</th><th scope="col" class="number">Up for</th></tr></thead>
      <tbody>${overview.replicas.map((each) => html`<tr key=${each.name}>
        <th scope="row"><bdi>${visible(each.name, 40)}</bdi>${each.name === overview.replica && html` <span class="pill quiet">answers here</span>`}
          ${each.host && html`<small><bdi>${visible(each.host, 80)}</bdi></small>`}</th>
        <td data-name="Chains">${each.chains.length === 0 ? "none" : each.chains.map((chain) => `${chain.chain_id} (${chain.head_block === null ? "not read" : count(chain.head_block)})`).join(", ")}</td>
        <td data-name="Streams" class="number">${count(each.streams)}</td>
        <td data-name="Up for" class="number">${duration(each.seconds_up)}</td></tr>`)}</tbody></table>
    <p class="hint">Subscriptions and connections are those of all replicas. Pace, charts, chains and notices are what the replica sees that answers here.</p>
  </section>`;
}

const SEVERITIES = { info: "quiet", warning: "warn", error: "bad" };

export function Notices({ overview }) {
  return html`<section class="card" aria-labelledby="notices-title">
    <header><h2 id="notices-title">Recent errors and notices</h2><span class="badge">${overview.notices.length}</span>${ofReplica(overview) && html`<small>${ofReplica(overview)}</small>`}</header>
    ${overview.notices.length === 0 ? html`<p class="empty">Nothing went wrong since the service was started.</p>` : html`<ul class="notices">
      ${overview.notices.slice(0, 30).map((each) => html`<li key=${`${each.code} ${each.message} ${each.chain_id} ${each.subscription_id}`}>
        <span class=${`pill ${SEVERITIES[each.severity] ?? "quiet"}`}>${visible(each.code, 60)}</span>
        <span class="text">${visible(each.message)}</span>
        <small>${ago(each.timestamp, overview.timestamp)}${each.count > 1 ? `, ${count(each.count)} times` : ""}${each.subscription_id ? ` · subscription ${each.subscription_id}` : ""}${each.chain_id ? ` · chain ${each.chain_id}` : ""}</small></li>`)}</ul>`}
  </section>`;
}
