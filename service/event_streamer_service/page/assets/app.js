// The page: asks the service every few seconds, and shows what it says.

import { html, render, useCallback, useEffect, useRef, useState } from "/assets/view.js";
import { call, key, setKey } from "/assets/api.js";
import { Chart } from "/assets/chart.js";
import { ConfirmDialog, CreateDialog, KeyDialog } from "/assets/dialogs.js";
import { duration, visible } from "/assets/format.js";
import { Live } from "/assets/live.js";
import { Chains, Connections, Notices, Replicas, Subscriptions, Tiles, ofReplica } from "/assets/sections.js";
import { Theme, useTheme } from "/assets/theme.js";

const EVERY = 2000;
const CHARTS_EVERY = 5000;
const PAGE_SIZE = 20;

/** Call `work` now and every so often, while the page is looked at; never twice at once. */
function useRepeated(work, every, ...inputs) {
  useEffect(() => {
    let ended = false;
    let timer;
    const again = async () => {
      if (!document.hidden) await work(() => !ended);
      if (!ended) timer = setTimeout(again, every);
    };
    again();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, inputs);
}

function Charts({ subscriptions, chosen, onChoose, theme, now, of, onRefused }) {
  const [minutes, setMinutes] = useState(20);
  const [series, setSeries] = useState({ timestamps: [], events_per_second: [], blocks_behind: [] });
  useRepeated(async (wanted) => {
    try {
      const one = chosen ? `&subscription_id=${chosen}` : "";
      const answer = await call("GET", `/api/activity?minutes=${minutes}${one}`);
      if (wanted()) setSeries(answer);
    } catch (problem) {
      if (wanted() && problem.status === 404) onChoose(null);
      else onRefused(problem);
    }
  }, CHARTS_EVERY, minutes, chosen);
  return html`<section class="card" aria-labelledby="charts-title">
    <header><h2 id="charts-title">Over time</h2>${of && html`<small>${of}</small>`}<span class="grow"></span>
      <label class="inline">Of <select value=${String(chosen ?? "")} onChange=${(e) => onChoose(Number(e.target.value) || null)}>
        <option value="">all subscriptions</option>
        ${subscriptions.map((each) => html`<option value=${String(each.id)}>#${each.id} ${visible(each.event_signature.name, 40)}</option>`)}</select></label>
      <div class="segments" role="group" aria-label="Time shown">
        ${[[20, "20 min"], [60, "1 h"], [360, "6 h"]].map(([value, name]) => html`<button
          aria-pressed=${minutes === value ? "true" : "false"} onClick=${() => setMinutes(value)}>${name}</button>`)}</div>
    </header>
    <div class="charts">
      <${Chart} title="Events" unit="per second" tone="--accent" theme=${theme} now=${now} times=${series.timestamps} values=${series.events_per_second} />
      <${Chart} title="Lag" unit="blocks behind" tone="--second" theme=${theme} now=${now} times=${series.timestamps} values=${series.blocks_behind} />
    </div>
  </section>`;
}

function App() {
  const [overview, setOverview] = useState(null);
  const [list, setList] = useState({ subscriptions: [], total: 0 });
  const [page, setPage] = useState(1);
  const [watched, setWatched] = useState(null);
  const [chosen, setChosen] = useState(null);
  const [dialog, setDialog] = useState(null);
  const [said, setSaid] = useState(null);
  const [needsKey, setNeedsKey] = useState(null);
  const [round, setRound] = useState(0);
  const [theme, setTheme] = useTheme();
  const opener = useRef(null);

  const refused = useCallback((problem) => {
    if (problem.status === 401) setNeedsKey(key() ? problem.message : "");
    else setSaid({ tone: "bad", text: problem.message, lasting: problem.status === 0 });
  }, []);
  useRepeated(async (wanted) => {
    if (needsKey !== null) return;
    try {
      const [now, found] = await Promise.all([
        call("GET", "/api/overview"),
        call("GET", `/subscriptions?page=${page}&page_size=${PAGE_SIZE}`),
      ]);
      if (!wanted()) return;
      setOverview(now);
      setList(found);
      if (page > 1 && found.subscriptions.length === 0) setPage(page - 1);
      setSaid((before) => (before?.lasting ? null : before));
    } catch (problem) {
      if (wanted()) refused(problem);
    }
  }, EVERY, page, round, needsKey);
  useEffect(() => {
    if (!said || said.lasting) return undefined;
    const timer = setTimeout(() => setSaid(null), 8000);
    return () => clearTimeout(timer);
  }, [said]);

  const act = async (method, path, body, done) => {
    try {
      const answer = await call(method, path, body);
      setSaid({ tone: "ok", text: done });
      setRound((n) => n + 1);
      return answer;
    } catch (problem) {
      refused(problem);
      return null;
    }
  };
  const open = (content) => {
    opener.current = document.activeElement;
    setDialog(content);
  };
  const close = () => {
    setDialog(null);
    opener.current?.focus?.();
  };
  const actions = {
    watch: (subscription) => setWatched(subscription),
    pause: (each) => act("PUT", `/subscriptions/${each.id}`, { is_streaming: false }, `Subscription ${each.id} is paused.`),
    resume: (each) => act("PUT", `/subscriptions/${each.id}`, { is_streaming: true }, `Subscription ${each.id} goes on.`),
    remove: (each) => open({ kind: "delete", subscription: each }),
    create: () => open({ kind: "create" }),
    reset: (name) => act("POST", `/api/circuit-breakers/${encodeURIComponent(name)}/reset`, undefined, `Circuit breaker ${name} is closed.`),
  };
  const remove = async (each) => {
    close();
    await act("DELETE", `/subscriptions/${each.id}`, undefined, `Subscription ${each.id} is deleted.`);
    if (watched?.id === each.id) setWatched(null);
  };
  const caller = overview?.caller ?? { is_admin: false, needs_key: false, subscriber_id: null };
  const troubled = overview?.chains.some((chain) => chain.problem) ?? false;
  const health = said?.lasting ? ["bad", "Not reachable"] : needsKey !== null ? ["quiet", "Needs a key"] : !overview ? ["quiet", "Loading"] : troubled ? ["warn", "Chain trouble"] : ["ok", "Running"];
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <img src="/assets/icon.svg" alt="" width="30" height="30" />
      <h1>Event Streamer</h1>
      <span class=${`pill ${health[0]}`}>${health[1]}</span>
      ${overview && html`<span class="version">${visible(overview.version, 30)}${overview.started_at ? `, up ${duration((Date.parse(overview.timestamp) - Date.parse(overview.started_at)) / 1000)}` : ""}</span>`}
      <span class="grow"></span>
      <nav aria-label="Site"><a href="/docs">API reference</a></nav>
      ${key() && html`<button onClick=${() => { setKey(null); location.reload(); }}>Forget key</button>`}
      <${Theme} theme=${theme} onChange=${setTheme} />
    </header>
    <main id="main" tabindex="-1">
      <div class="said" role="status" aria-live="polite">${said && html`<p class=${said.tone}>${visible(said.text)}</p>`}</div>
      ${overview && html`
        <${Tiles} overview=${overview} total=${list.total} />
        <${Charts} subscriptions=${list.subscriptions} chosen=${chosen} onChoose=${setChosen} theme=${theme} now=${Date.parse(overview.timestamp) / 1000} of=${ofReplica(overview)} onRefused=${refused} />
        <${Subscriptions} overview=${overview} list=${list} page=${page} pageSize=${PAGE_SIZE} onPage=${setPage} watched=${watched} actions=${actions} />
        ${watched && html`<${Live} subscription=${watched} onClose=${() => setWatched(null)} />`}
        <${Replicas} overview=${overview} />
        <${Chains} overview=${overview} actions=${actions} />
        <div class="pair">
          <${Connections} overview=${overview} />
          <${Notices} overview=${overview} />
        </div>`}
    </main>
    ${needsKey !== null && html`<${KeyDialog} problem=${needsKey} onDone=${() => setNeedsKey(null)} />`}
    ${dialog?.kind === "create" && html`<${CreateDialog} chains=${overview.chains} caller=${caller} onClose=${close}
      onCreated=${(created) => { close(); setSaid({ tone: "ok", text: `Subscription ${created.id} is created.` }); setRound((n) => n + 1); setWatched(created); }} />`}
    ${dialog?.kind === "delete" && html`<${ConfirmDialog} title=${`Delete subscription ${dialog.subscription.id}?`} action="Delete"
      text="Its progress is lost and its open streams end. Events that were stored elsewhere stay." onClose=${close} onConfirm=${() => remove(dialog.subscription)} />`}`;
}

render(html`<${App} />`, document.getElementById("app"));
