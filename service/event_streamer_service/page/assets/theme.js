// Light, dark, or as the system has it.

import { html, useEffect, useState } from "/assets/view.js";

const NAME = "event-streamer-theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const SIGN = { auto: "◐", light: "☀", dark: "☾" };

export function useTheme() {
  const [chosen, setChosen] = useState(localStorage.getItem(NAME) ?? "auto");
  const [systemDark, setSystemDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setSystemDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  const shown = chosen === "auto" ? (systemDark ? "dark" : "light") : chosen;
  document.documentElement.dataset.theme = shown;
  const choose = (value) => {
    localStorage.setItem(NAME, value);
    setChosen(value);
  };
  return [`${chosen} ${shown}`, choose];
}

export function Theme({ theme, onChange }) {
  const chosen = theme.split(" ")[0];
  return html`<button class="plain" onClick=${() => onChange(NEXT[chosen])} aria-label=${`Colours: ${chosen}. Change to ${NEXT[chosen]}.`} title=${`Colours: ${chosen}`}>${SIGN[chosen]}</button>`;
}
