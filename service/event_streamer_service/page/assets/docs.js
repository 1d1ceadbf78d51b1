// The reference, from the service's own OpenAPI document, with every call to be tried out.

import { html, render, useEffect, useState } from "/assets/view.js";
import { call, key, setKey } from "/assets/api.js";
import { Markdown, inline } from "/assets/markdown.js";
import { Theme, useTheme } from "/assets/theme.js";

const METHODS = ["get", "post", "put", "delete"];
const LONGEST_ANSWER = 60000;
const LONGEST_STREAM = 15000;

let documentRoot = {};

function resolve(node) {
  if (!node?.$ref) return node ?? {};
  const found = node.$ref.slice(2).split("/").reduce((at, part) => at?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], documentRoot);
  return { ...found, ...Object.fromEntries(Object.entries(node).filter(([name]) => name !== "$ref")), name$: node.$ref.split("/").pop() };
}

function typeOf(schema) {
  const node = resolve(schema);
  if (schema?.$ref) return node.type && node.type !== "object" ? [].concat(node.type).join(" or ") : schema.$ref.split("/").pop();
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.type === "array") return `list of ${typeOf(node.items)}`;
  if (Array.isArray(node.type)) return node.type.map((each) => (each === "array" ? `list of ${typeOf(node.items)}` : each)).join(" or ");
  if (node.oneOf || node.anyOf) return (node.oneOf ?? node.anyOf).map(typeOf).join(" or ");
  return node.type ?? "anything";
}

function limits(schema) {
  const node = resolve(schema);
  const told = [];
  if (node.minimum !== undefined || node.maximum !== undefined) told.push(`${node.minimum ?? "…"} to ${node.maximum ?? "…"}`);
  if (node.maxLength) told.push(`at most ${node.maxLength} characters`);
  if (node.maxItems) told.push(`at most ${node.maxItems} items`);
  if (node.pattern) told.push(node.pattern);
  if (node.default !== undefined) told.push(`default ${JSON.stringify(node.default)}`);
  return told.join("; ");
}

function Fields({ schema, depth = 0 }) {
  const node = resolve(schema);
  const items = node.type === "array" ? resolve(node.items) : node;
  const fields = Object.entries(items.properties ?? {});
  if (!fields.length) {
    const kinds = node.oneOf ?? [];
    return html`${kinds.map((each) => html`<details><summary>${each.$ref?.split("/").pop() ?? "one of"}</summary><${Fields} schema=${each} depth=${depth + 1} /></details>`)}`;
  }
  return html`<table><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>
    ${fields.map(([name, declared]) => html`<tr><th scope="row"><code>${name}</code>${items.required?.includes(name) ? " *" : ""}</th>
      <td>${typeOf(declared)}${limits(declared) && html`<br /><small>${limits(declared)}</small>`}</td>
      <td><${Markdown} text=${resolve(declared).description ?? ""} />
        ${depth < 3 && nested(declared) && html`<details><summary>Fields</summary><${Fields} schema=${nested(declared)} depth=${depth + 1} /></details>`}</td></tr>`)}
  </tbody></table>`;
}

function nested(schema) {
  const node = resolve(schema);
  if (node.properties) return schema;
  return node.items && resolve(node.items).properties ? node.items : null;
}

function exampleOf(media) {
  const first = Object.values(media.examples ?? {})[0];
  if (first) return first.value;
  const node = resolve(media.schema);
  return Object.fromEntries((node.required ?? []).map((name) => {
    const declared = resolve(node.properties[name]);
    return [name, declared.examples?.[0] ?? declared.default ?? (declared.type === "integer" ? declared.minimum ?? 0 : declared.type === "array" ? [] : "")];
  }));
}

function headersOf(operation, json) {
  const headers = key() ? { "x-api-key": key() } : {};
  return json ? { ...headers, "content-type": "application/json" } : headers;
}

/** Read an answer; of one that never ends, what comes within some seconds. */
async function read(response, stop) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const timer = setTimeout(stop, LONGEST_STREAM);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
      if (text.length > LONGEST_ANSWER) {
        stop();
        break;
      }
    }
  } catch {
    text += "\n… stopped";
  } finally {
    clearTimeout(timer);
  }
  return text.length > LONGEST_ANSWER ? `${text.slice(0, LONGEST_ANSWER)}\n… cut` : text;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Try({ id, path, method, operation, parameters }) {
  const media = resolve(operation.requestBody).content?.["application/json"];
  const [values, setValues] = useState({});
  const [body, setBody] = useState(media ? JSON.stringify(exampleOf(media), null, 2) : "");
  const [answer, setAnswer] = useState(null);
  const [ending, setEnding] = useState(null);
  const given = parameters.filter((each) => each.in === "path" || each.in === "query");
  const send = async (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    let target = path;
    for (const each of given) {
      const value = values[each.name] ?? "";
      if (each.in === "path") target = target.replace(`{${each.name}}`, encodeURIComponent(value));
      else if (value !== "") query.set(each.name, value);
    }
    const address = query.size ? `${target}?${query}` : target;
    const stopper = new AbortController();
    setEnding(() => () => stopper.abort());
    setAnswer({ status: "…", text: "" });
    try {
      const response = await fetch(address, { method: method.toUpperCase(), headers: headersOf(operation, Boolean(media)), body: media ? body : undefined, signal: stopper.signal, cache: "no-store" });
      setAnswer({ status: `${response.status} ${response.statusText}`, text: response.body ? pretty(await read(response, () => stopper.abort())) : "" });
    } catch (problem) {
      setAnswer({ status: "No answer", text: stopper.signal.aborted ? "Stopped." : String(problem.message) });
    }
    setEnding(null);
  };
  return html`<form class="try" onSubmit=${send} aria-label=${`Try ${operation.summary}`}>
    ${given.length > 0 && html`<div class="fields">${given.map((each) => html`<label>${each.name}${each.required ? " *" : ""}
      <input required=${each.required} value=${values[each.name] ?? ""} placeholder=${each.schema?.default !== undefined ? String(each.schema.default) : ""}
        onInput=${(e) => setValues({ ...values, [each.name]: e.target.value })} /></label>`)}</div>`}
    ${media && html`<label>Body <textarea rows=${Math.min(16, body.split("\n").length + 1)} spellcheck="false" value=${body} onInput=${(e) => setBody(e.target.value)}></textarea></label>`}
    <div><button class="primary">Send</button> ${ending && html`<button type="button" onClick=${ending}>Stop</button>`}</div>
    ${answer && html`<div role="status"><b>${answer.status}</b></div><pre class="answer" tabindex="0" aria-label="Answer">${answer.text}</pre>`}
  </form>`;
}

function Operation({ id, path, method, operation, shared }) {
  const parameters = [...shared, ...(operation.parameters ?? [])].map(resolve);
  const media = resolve(operation.requestBody).content?.["application/json"];
  return html`<section class="card operation" id=${id} aria-labelledby=${`${id}-title`}>
    <header><span class=${`method ${method}`}>${method.toUpperCase()}</span> <code>${path}</code></header>
    <div class="body">
      <h3 id=${`${id}-title`}>${operation.summary}</h3>
      <${Markdown} text=${operation.description ?? ""} />
      ${parameters.length > 0 && html`<h4>Parameters</h4><table><thead><tr><th scope="col">Name</th><th scope="col">In</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
        <tbody>${parameters.map((each) => html`<tr><th scope="row"><code>${each.name}</code>${each.required ? " *" : ""}</th><td>${each.in}</td>
          <td>${typeOf(each.schema)}${limits(each.schema) && html`<br /><small>${limits(each.schema)}</small>`}</td><td><${Markdown} text=${each.description ?? ""} /></td></tr>`)}</tbody></table>`}
      ${media && html`<details><summary>Body: ${typeOf(media.schema)}</summary><${Fields} schema=${media.schema} /></details>`}
      <h4>Answers</h4>
      ${Object.entries(operation.responses).map(([status, declared]) => {
        const answer = resolve(declared);
        const content = Object.values(answer.content ?? {})[0];
        return content
          ? html`<details><summary><b>${status}</b> ${inline(answer.description)}</summary><${Fields} schema=${content.schema} /></details>`
          : html`<p><b>${status}</b> ${inline(answer.description)}</p>`;
      })}
      <details><summary>Try it out</summary><${Try} id=${id} path=${path} method=${method} operation=${operation} parameters=${parameters} /></details>
    </div>
  </section>`;
}

function Key() {
  const [value, setValue] = useState("");
  const [has, setHas] = useState(Boolean(key()));
  const use = (event) => {
    event.preventDefault();
    setKey(has ? null : value.trim());
    setHas(!has);
    setValue("");
  };
  return html`<form class="inline" onSubmit=${use}>
    ${!has && html`<input type="password" autocomplete="off" aria-label="API key" placeholder="API key" required value=${value} onInput=${(e) => setValue(e.target.value)} />`}
    <button>${has ? "Forget key" : "Use key"}</button></form>`;
}

function Reference() {
  const [root, setRoot] = useState(null);
  const [problem, setProblem] = useState(null);
  const [theme, setTheme] = useTheme();
  useEffect(() => {
    call("GET", "/openapi.json").then((found) => {
      documentRoot = found;
      setRoot(found);
    }, (refused) => setProblem(refused.message));
  }, []);
  useEffect(() => {
    if (root && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }, [root]);
  const calls = root ? Object.entries(root.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
    .map((method) => ({ path, method, operation: item[method], shared: item.parameters ?? [], id: item[method].operationId }))) : [];
  const byTag = (root?.tags ?? []).map((tag) => [tag, calls.filter((each) => each.operation.tags[0] === tag.name)]);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top"><img src="/assets/icon.svg" alt="" width="30" height="30" /><h1>API reference</h1>
      ${root && html`<span class="version">${root.info.version}</span>`}<span class="grow"></span>
      <nav aria-label="Site"><a href="/">Status</a> · <a href="/openapi.json">openapi.json</a></nav><${Key} /><${Theme} theme=${theme} onChange=${setTheme} /></header>
    <div class="reference">
      <nav aria-label="Calls">${byTag.map(([tag, all]) => html`<h2>${tag.name.replaceAll("_", " ")}</h2><ul>${all.map((each) => html`<li><a href=${`#${each.id}`}>${each.operation.summary.replace(/\.$/, "")}</a></li>`)}</ul>`)}</nav>
      <main id="main" tabindex="-1">
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        ${root && html`<section class="card"><div class="operation"><div class="body"><${Markdown} text=${root.info.description.split("### Vendor")[0]} /></div></div></section>`}
        ${byTag.map(([tag, all]) => html`<h2>${tag.name.replaceAll("_", " ")}</h2><${Markdown} text=${tag.description} />
          ${all.map((each) => html`<${Operation} key=${each.id} ...${each} />`)}`)}
      </main>
    </div>`;
}

render(html`<${Reference} />`, document.getElementById("app"));
