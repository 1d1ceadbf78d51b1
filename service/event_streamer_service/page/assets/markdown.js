// As much of Markdown as the OpenAPI document uses. It makes elements, never HTML.

import { html } from "/assets/view.js";

export function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith("**")) return html`<b>${inline(part.slice(2, -2))}</b>`;
    return part;
  });
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
}

function block(text) {
  const lines = text.split("\n");
  const heading = /^#{1,6} (.*)$/.exec(lines[0]);
  if (heading) return html`<h3>${inline(heading[1])}</h3>${lines.length > 1 && block(lines.slice(1).join("\n"))}`;
  if (lines[0].startsWith("|")) {
    return html`<table><thead><tr>${cells(lines[0]).map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
      <tbody>${lines.slice(2).map((line) => html`<tr>${cells(line).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
  }
  if (/^[-*] /.test(lines[0])) {
    const items = text.split(/\n(?=[-*] )/).map((item) => item.slice(2).replace(/\s*\n\s*/g, " "));
    return html`<ul>${items.map((item) => html`<li>${inline(item)}</li>`)}</ul>`;
  }
  return html`<p>${inline(lines.join(" "))}</p>`;
}

export function Markdown({ text }) {
  const blocks = text.trim().split(/\n\s*\n/).filter(Boolean);
  return blocks.length ? html`<div class="prose">${blocks.map(block)}</div>` : null;
}
