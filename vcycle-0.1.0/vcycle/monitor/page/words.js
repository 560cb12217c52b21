// Numbers, spans and moments as people read them, and elements that hold only text.

export const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(undefined, {
  weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

let ahead = 0;

/** How far the daemon's clock is ahead of the browser's, in seconds. */
export const setClock = (written) => { ahead = written - Date.now() / 1000; };
export const now = () => Date.now() / 1000 + ahead;

/** A span of seconds in its two largest units. */
export const span = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours] = [Math.floor(whole / 86400), Math.floor((whole % 86400) / 3600)];
  const [minutes, rest] = [Math.floor((whole % 3600) / 60), whole % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes >= 10) return `${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
};

export const percent = (part) =>
  part === null || part === undefined ? "–" : `${number.format(100 * part)} %`;
export const bytes = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [size, unit] = [count, 0];
  while (size >= 1000 && unit < units.length - 1) { size /= 1000; unit += 1; }
  return `${number.format(size)} ${units[unit]}`;
};
export const hour = (at) => clock.format(new Date(at * 1000));
export const moment = (at) => date.format(new Date(at * 1000));
export const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** An element: its classes, and what is in it. Text is only ever text. */
export const make = (tag, classes = "", ...inside) => {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...inside.filter((each) => each !== null && each !== undefined));
  return element;
};

/** A span of time that goes on while one looks: since a moment, or until one. */
export const ticking = (way, at, classes = "") => {
  const element = make("span", `tick ${classes}`.trim());
  element.dataset.way = way;
  element.dataset.at = at;
  tick(element);
  return element;
};
const tick = (element) => {
  const at = Number(element.dataset.at);
  element.textContent = span(element.dataset.way === "until" ? at - now() : now() - at);
};
export const tickAll = () => { for (const each of document.querySelectorAll(".tick")) tick(each); };
