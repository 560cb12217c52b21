// The last day, drawn: machines by machinetype as areas, and how machines ended as bars.

import { hour, many, span } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LOW] = [1000, 220, 70];
const TOGETHER = 6;

const draw = (tag, attributes, ...inside) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
};

/** A round number that is at least this large, for the top of an axis. */
const top = (most) => {
  if (most <= 4) return 4;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((step) => step * unit).find((each) => each >= most);
};

/** Runs of frames of which something is known; a hole is a hole, not a slope. */
const runs = (known) => {
  const found = [];
  known.forEach((yes, index) => {
    if (!yes) return;
    const last = found[found.length - 1];
    if (last && last[1] === index - 1) last[1] = index; else found.push([index, index]);
  });
  return found;
};

/** An SVG that fills its box, and labels beside it as text, which is not stretched. */
const frame = (label, height, highest, parts) => {
  const figure = document.createElement("div");
  figure.className = "plot";
  const svg = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label,
  });
  for (const part of [0.5, 1]) {
    const y = height - part * height;
    svg.append(draw("line", { x1: 0, x2: WIDTH, y1: y + 0.5, y2: y + 0.5, class: "grid" }));
    const mark = document.createElement("span");
    mark.className = part === 1 ? "axis high" : "axis half";
    mark.textContent = String(highest * part);
    figure.append(mark);
  }
  svg.append(...parts);
  figure.prepend(svg);
  return figure;
};

/** What is drawn, from below: in the order of the configuration, what is no more at the end. */
export const stacked = (day, order) => {
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.keys(day.machines).sort((one, other) => place(one) - place(other));
};

const areas = (day, kinds, order, length) => {
  const names = stacked(day, order);
  const known = Array.from({ length }, (_, at) => names.some((n) => day.machines[n][at] !== null));
  const base = new Array(length).fill(0);
  const most = Math.max(0, ...base.map((_, at) =>
    names.reduce((sum, name) => sum + (day.machines[name][at] || 0), 0)));
  const highest = top(most);
  const x = (at) => (at / (length - 1)) * WIDTH;
  const y = (value) => HEIGHT - (value / highest) * HEIGHT;
  const parts = [];
  for (const name of names) {
    const above = base.map((value, at) => value + (day.machines[name][at] || 0));
    for (const [from, to] of runs(known)) {
      const last = Math.min(to + (from === to ? 1 : 0), length - 1);
      const points = [];
      for (let at = from; at <= last; at += 1) points.push(`${x(at)},${y(above[Math.min(at, to)])}`);
      for (let at = last; at >= from; at -= 1) points.push(`${x(at)},${y(base[Math.min(at, to)])}`);
      parts.push(draw("polygon", { points: points.join(" "), class: `fill ${kinds(name)}` }));
    }
    above.forEach((value, at) => { base[at] = value; });
  }
  const label = `Machines of the last day, at most ${most} at a time: ${names.join(", ") || "none"}`;
  return frame(label, HEIGHT, highest, parts);
};

/** Sums of so many frames each, the last of them the newest. */
const summed = (values) => {
  const found = [];
  for (let at = values.length; at > 0; at -= TOGETHER) {
    found.unshift(values.slice(Math.max(0, at - TOGETHER), at).reduce((sum, n) => sum + (n || 0), 0));
  }
  return found;
};

const bars = (day) => {
  const [goods, bads] = [summed(day.good), summed(day.aborts)];
  const length = goods.length;
  const most = Math.max(0, ...goods.map((good, at) => good + bads[at]));
  const highest = top(most);
  const wide = WIDTH / length;
  const parts = [];
  const add = (at, from, count, kind) => {
    const high = (count / highest) * LOW;
    parts.push(draw("rect", {
      x: at * wide + wide * 0.14, y: LOW - (from / highest) * LOW - high,
      width: wide * 0.72, height: high, class: kind,
    }));
  };
  let [good, bad] = [0, 0];
  for (let at = 0; at < length; at += 1) {
    const [well, ill] = [goods[at], bads[at]];
    if (well) add(at, 0, well, "good");
    if (ill) add(at, well, ill, "bad");
    good += well;
    bad += ill;
  }
  return frame(`${many(good, "machine")} ended well, ${many(bad, "abort")}`, LOW, highest, parts);
};

/** Both plots into a box; what is under the pointer is told to ``readout``. */
export const plots = (box, day, kinds, order, readout) => {
  const length = day.good.length;
  const hours = document.createElement("div");
  hours.className = "hours";
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const mark = document.createElement("span");
    mark.textContent = part === 1 ? "now" : hour(day.from + part * length * day.step);
    hours.append(mark);
  }
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  cursor.hidden = true;
  const caption = document.createElement("p");
  caption.className = "quiet caption";
  caption.textContent = `Ended, each ${span(TOGETHER * day.step)}`;
  box.replaceChildren(areas(day, kinds, order, length), caption, bars(day), hours, cursor);
  box.onpointermove = (event) => {
    const area = box.firstElementChild.firstElementChild.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
    const at = Math.round(part * (length - 1));
    cursor.hidden = false;
    cursor.style.setProperty("left", `${area.left - box.getBoundingClientRect().left + part * area.width}px`);
    const words = stacked(day, order)
      .filter((name) => day.machines[name][at] !== null)
      .map((name) => `${name} ${day.machines[name][at]}`);
    const ends = day.good[at] === null ? "" : `; ended ${day.good[at]}, aborts ${day.aborts[at]}`;
    readout(`${hour(day.from + at * day.step)}: ${words.join(", ") || "nothing is known"}${ends}`);
  };
  box.onpointerleave = () => { cursor.hidden = true; readout("\u00a0"); };
};
