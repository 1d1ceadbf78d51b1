// Dialogs: the key, a new subscription, and the question before something is deleted.

import { html, useEffect, useRef, useState } from "/assets/view.js";
import { call, setKey } from "/assets/api.js";
import { visible } from "/assets/format.js";
import { example, indexed, toTopics } from "/assets/topics.js";

function Dialog({ title, onClose, children, closable = true }) {
  const place = useRef(null);
  useEffect(() => {
    const dialog = place.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    if (closable) onClose();
  };
  return html`<dialog ref=${place} aria-labelledby="dialog-title" onCancel=${cancel}>
    <header><h2 id="dialog-title">${title}</h2>
      ${closable && html`<button class="plain" aria-label="Close" onClick=${onClose}>✕</button>`}</header>
    ${children}
  </dialog>`;
}

export function KeyDialog({ problem, onDone }) {
  const [value, setValue] = useState("");
  const submit = (event) => {
    event.preventDefault();
    setKey(value.trim());
    onDone();
  };
  return html`<${Dialog} title="API key" closable=${false}>
    <form onSubmit=${submit}>
      <p>This service needs an API key. It stays in this tab and is forgotten when the tab is closed.</p>
      ${problem && html`<p class="problem" role="alert">${visible(problem)}</p>`}
      <label>API key <input type="password" autocomplete="off" required value=${value} onInput=${(e) => setValue(e.target.value)} /></label>
      <footer><button class="primary">Use this key</button></footer>
    </form>
  </${Dialog}>`;
}

export function ConfirmDialog({ title, text, action, onConfirm, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${text}</p>
    <footer><button onClick=${onClose}>Keep it</button><button class="danger" onClick=${onConfirm}>${action}</button></footer>
  </${Dialog}>`;
}

/** Of an artifact only the ABI is needed: its bytecode may be larger than a request may be. */
function lean(source) {
  try {
    const value = JSON.parse(source);
    if (value && Array.isArray(value.abi)) return JSON.stringify(value.abi);
  } catch {
    // Not JSON: lines of Solidity.
  }
  return source;
}

function useEvents(source) {
  const [found, setFound] = useState({ events: [], left_out: [], problem: null });
  useEffect(() => {
    if (!source.trim()) {
      setFound({ events: [], left_out: [], problem: null });
      return undefined;
    }
    let current = true;
    const timer = setTimeout(async () => {
      try {
        const answer = await call("POST", "/api/abi/events", { source: lean(source) });
        if (current) setFound({ ...answer, problem: null });
      } catch (problem) {
        if (current) setFound({ events: [], left_out: [], problem: problem.message });
      }
    }, 300);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [source]);
  return found;
}

export function CreateDialog({ chains, caller, onCreated, onClose }) {
  const [source, setSource] = useState("");
  const [picked, setPicked] = useState(0);
  const [problem, setProblem] = useState(null);
  const [form, setForm] = useState({ chain: String((chains.find((each) => each.head_block !== null) ?? chains[0])?.chain_id ?? ""), addresses: "", start: "", end: "", subscriber: "console" });
  const [where, setWhere] = useState({});
  const found = useEvents(source);
  const event = found.events[Math.min(picked, found.events.length - 1)];
  const chain = chains.find((each) => String(each.chain_id) === form.chain);
  const set = (name) => (e) => setForm({ ...form, [name]: e.target.value });

  const submit = async (e) => {
    e.preventDefault();
    setProblem(null);
    const number = (text) => (text.trim() === "" ? null : Number(text));
    try {
      const topics = toTopics(event.event_signature, where);
      const created = await call("POST", "/subscriptions", {
        ...(topics ? { topics } : {}),
        topic0: event.topic0 ?? `0x${"0".repeat(64)}`,
        event_signature: event.event_signature,
        addresses: form.addresses.split(/[\s,]+/).filter(Boolean),
        start_block: number(form.start) ?? chain.head_block,
        end_block: number(form.end),
        chain_id: Number(form.chain),
        ...(caller.subscriber_id ? {} : { subscriber_id: form.subscriber }),
      });
      onCreated(created);
    } catch (refused) {
      setProblem(refused.message);
    }
  };
  return html`<${Dialog} title="New subscription" onClose=${onClose}>
    <form onSubmit=${submit}>
      <label>ABI, artifact or a line of Solidity
        <textarea rows="5" spellcheck="false" value=${source} onInput=${(e) => { setSource(e.target.value); setPicked(0); }}
          placeholder="event Transfer(address indexed from, address indexed to, uint256 value)"></textarea></label>
      ${found.problem && html`<p class="problem" role="alert">${visible(found.problem)}</p>`}
      ${found.left_out.length > 0 && html`<p class="hint">${found.left_out.length} items can't be read: ${visible(found.left_out[0])}</p>`}
      ${found.events.length > 0 && html`<fieldset class="events"><legend>Event</legend>
        ${found.events.map((each, i) => html`<label class="pick">
          <input type="radio" name="event" checked=${each === event} onChange=${() => setPicked(i)} />
          <span><bdi>${visible(each.human_readable)}</bdi>
            <code class="topic">${each.topic0 ? `topic0 ${each.topic0}` : "anonymous: name its contracts"}</code></span>
        </label>`)}</fieldset>`}
      ${event && indexed(event.event_signature).length > 0 && html`<fieldset class="where"><legend>Only logs with</legend>
        <div class="fields">${indexed(event.event_signature).map((input, i) => html`<label>
          <span><bdi>${visible(input.name || `parameter ${i + 1}`, 40)}</bdi> <small>${visible(input.type, 40)}</small></span>
          <input spellcheck="false" autocomplete="off" value=${where[input.name] ?? ""} placeholder=${example(input.type)}
            onInput=${(e) => setWhere({ ...where, [input.name]: e.target.value })} /></label>`)}</div>
        <p class="hint">Indexed parameters. One value or several with commas; empty: any.</p></fieldset>`}
      <div class="fields">
        <label>Chain <select value=${form.chain} onChange=${set("chain")}>
          ${chains.map((each) => html`<option value=${String(each.chain_id)}>${visible(each.name, 60)} (${each.chain_id})</option>`)}</select></label>
        ${!caller.subscriber_id && html`<label>Subscriber <input required maxlength="255" value=${form.subscriber} onInput=${set("subscriber")} /></label>`}
        <label>First block <input type="number" min="0" step="1" required=${!Number.isInteger(chain?.head_block)} value=${form.start} onInput=${set("start")} placeholder=${Number.isInteger(chain?.head_block) ? `${chain.head_block} (head)` : "the head is not known"} /></label>
        <label>Last block <input type="number" min="0" step="1" value=${form.end} onInput=${set("end")} placeholder="none: goes on" /></label>
      </div>
      <label>Contracts <textarea rows="2" spellcheck="false" value=${form.addresses} onInput=${set("addresses")} placeholder="0x… (one or several; none: every contract)"></textarea></label>
      ${problem && html`<p class="problem" role="alert">${visible(problem)}</p>`}
      <footer><button type="button" onClick=${onClose}>Cancel</button>
        <button class="primary" disabled=${!event}>Create</button></footer>
    </form>
  </${Dialog}>`;
}
