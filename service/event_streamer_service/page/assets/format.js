// How numbers, times and texts are shown. Everything that comes from a chain goes through `visible`.

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Write characters that are not seen, or that turn text around, as what they are. */
export function visible(text, longest = 400) {
  const whole = String(text);
  const cut = whole.length > longest ? `${whole.slice(0, longest)}…` : whole;
  return cut.replace(UNSEEN, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
}

export function short(hex) {
  const text = visible(hex, 80);
  return /^0x[0-9a-f]{16,}$/i.test(text) ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
}

export function count(number) {
  if (number === null || number === undefined) return "–";
  return typeof number === "number" ? number.toLocaleString("en-US") : visible(number, 80);
}

/** A number of things, with their name: 1 chain, 2 chains. */
export function things(number, name) {
  return `${count(number)} ${name}${number === 1 ? "" : "s"}`;
}

export function rate(number) {
  if (typeof number !== "number") return "–";
  const digits = number >= 100 || number === 0 ? 0 : number >= 1 ? 1 : 2;
  return number.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function duration(seconds) {
  if (typeof seconds !== "number") return "–";
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.round(seconds / 86400)} days`;
}

/** How long ago something was, by the service's clock and not by this machine's. */
export function ago(time, now) {
  if (!time) return "–";
  const seconds = (Date.parse(now) - Date.parse(time)) / 1000;
  return seconds < 2 ? "now" : `${duration(seconds)} ago`;
}

export function clock(time) {
  const moment = new Date(time);
  return Number.isNaN(moment.getTime()) ? visible(time, 30) : moment.toLocaleTimeString("en-GB");
}

/** Write an event as a line: its name and its types. */
export function signature(event) {
  const type = (input) =>
    input.type.startsWith("tuple") ? `(${(input.components || []).map(type).join(",")})${input.type.slice(5)}` : input.type;
  return visible(`${event.name}(${(event.inputs || []).map(type).join(",")})`, 200);
}
