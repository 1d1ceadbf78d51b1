// Which logs of an event are wanted, by its indexed parameters: as topics, and as a person writes values.

import { short, visible } from "/assets/format.js";

const WORD = /^0x[0-9a-f]{64}$/i;

/** The indexed parameters of an event, in the order of their topics. */
export function indexed(event) {
  return (event?.inputs ?? []).filter((input) => input.indexed);
}

/** Whether a topic holds the value itself; of all others it is a hash. */
function isStatic(type) {
  return /^(address|bool|u?int\d*|bytes([1-9]|[12]\d|3[0-2]))$/.test(type);
}

/** How a value of a type is written. */
export function example(type) {
  if (type === "address") return "0x…, another one";
  if (type === "bool") return "true or false";
  if (/^u?int/.test(type)) return "1000, or 0x3e8";
  return isStatic(type) ? "0x…" : "its hash: the topic, 0x and 64 digits";
}

/** Write a value as the topic that it is in a log (Solidity's ABI, "Events"). Throws where it is no such value. */
export function toTopic(type, text) {
  if (WORD.test(text)) return text.toLowerCase();
  if (type === "address" && /^0x[0-9a-f]{40}$/i.test(text)) return `0x${text.slice(2).toLowerCase().padStart(64, "0")}`;
  if (type === "bool" && /^(true|false)$/i.test(text)) return `0x${(text.toLowerCase() === "true" ? "1" : "0").padStart(64, "0")}`;
  const number = /^(u?)int(\d*)$/.exec(type);
  if (number && /^(-?\d+|0x[0-9a-f]+)$/i.test(text)) {
    const bits = BigInt(number[2] || 256);
    const value = BigInt(text);
    const [least, most] = number[1] ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
    if (value >= least && value <= most) return `0x${BigInt.asUintN(256, value).toString(16).padStart(64, "0")}`;
  }
  const bytes = /^bytes(\d+)$/.exec(type);
  if (bytes && isStatic(type) && /^0x[0-9a-f]*$/i.test(text) && text.length === 2 + 2 * Number(bytes[1])) {
    return `0x${text.slice(2).toLowerCase().padEnd(64, "0")}`;
  }
  throw new Error(`${visible(text, 80)} is not a value of ${visible(type, 40)}${isStatic(type) ? "" : ": give the topic, 0x and 64 digits"}`);
}

/** What lies before the indexed parameters' topics: topic0, which an anonymous event doesn't have. */
function before(event) {
  return event?.anonymous ? [] : [null];
}

/** Read what was typed for each indexed parameter; null where any value will do everywhere. */
export function toTopics(event, texts) {
  const topics = indexed(event).map((input) => {
    const values = (texts[input.name] ?? "").split(/[\s,]+/).filter(Boolean);
    try {
      return values.length ? values.map((value) => toTopic(input.type, value)) : null;
    } catch (problem) {
      throw new Error(`${visible(input.name, 60)}: ${problem.message}.`);
    }
  });
  while (topics.length && topics[topics.length - 1] === null) topics.pop();
  return topics.length ? [...before(event), ...topics] : null;
}

function fromTopic(type, topic) {
  const digits = topic.slice(2);
  if (type === "address") return `0x${digits.slice(24)}`;
  if (type === "bool") return /[^0]/.test(digits) ? "true" : "false";
  const number = /^(u?)int(\d*)$/.exec(type);
  if (number) return (number[1] ? BigInt(topic) : BigInt.asIntN(256, BigInt(topic))).toString();
  const bytes = /^bytes(\d+)$/.exec(type);
  return bytes && isStatic(type) ? topic.slice(0, 2 + 2 * Number(bytes[1])) : topic;
}

/** Say which logs a subscription wants: a name and its values, each as it is and cut short. */
export function wanted(subscription) {
  const event = subscription.event_signature;
  const inputs = [...before(event), ...indexed(event)];
  return (subscription.topics ?? []).flatMap((condition, i) => {
    if (condition === null) return [];
    const values = (Array.isArray(condition) ? condition : [condition]).map((topic) =>
      inputs[i] && WORD.test(topic) ? fromTopic(inputs[i].type, topic) : topic);
    const shown = values.length > 3 ? `${values.length} values` : values.map((value) => short(value)).join(" or ");
    return [{ name: visible(inputs[i]?.name || `topic ${i}`, 40), shown, all: visible(values.join(", "), 2000) }];
  });
}
