// The dashboard: what the daemon tells, as it tells it. Everything from outside is only text.

import { bytes, make, many, moment, now, number, percent, setClock, span, tickAll, ticking } from "./words.js";
import { plots, stacked } from "./plots.js";

const POLL_SECONDS = 15;
const COLOURS = 8;
const STATES = ["running", "starting", "requested", "draining", "missing", "doomed"];
const WORDS = {
  started: "starting", open: "ready", full: "full", "no-room": "no room", later: "later",
  "backing-off": "backing off", waiting: "waits for others", proving: "scout is out",
  vetoed: "held", "not-ready": "not ready", "no-share": "no share", shutdown: "shutting down",
  drained: "drained", unknown: "no cycle yet",
};
const TONES = {
  started: "good", full: "calm", "no-room": "calm", later: "calm", "no-share": "calm",
  "not-ready": "bad", vetoed: "warn", shutdown: "warn", "backing-off": "warn", waiting: "warn",
  proving: "warn", drained: "warn",
};

const $ = (id) => document.getElementById(id);
let view = null;
let day = null;
let order = [];

/** The class of a machinetype's colour: the same wherever it is shown. */
const colour = (name) => {
  const at = order.indexOf(name);
  return at < 0 ? "k-none" : `k${at % COLOURS}`;
};
const badge = (text, tone) => make("span", `badge ${tone}`, text);
const chosen = () => {
  const name = decodeURIComponent(window.location.hash.slice(1));
  return view.spaces.find((space) => space.space === name) || view.spaces[0];
};
const sized = (element, part) => {
  element.style.setProperty("--part", String(Math.max(0, Math.min(1, part || 0))));
  return element;
};

const tile = (name, value, of, part, tone) => {
  const figure = make("dd", "", make("span", "value", value), of ? make("span", "of", of) : null);
  if (part !== null) figure.append(sized(make("span", `meter ${tone || ""}`, make("i")), part));
  return make("div", "tile", make("dt", "", name), figure);
};

const tiles = (space) => {
  const { counts, factories } = space;
  const others = factories.filter((each) => !each.own);
  const answering = others.filter((each) => each.answers).length;
  const running = space.machines.filter((m) => m.state === "running" || m.state === "draining").length;
  const part = counts.slots ? counts.machines / counts.slots : null;
  const used = counts.max_processors ? counts.processors / counts.max_processors : null;
  const rows = [
    tile("Machines", String(counts.machines), `of ${counts.slots}`, part),
    tile("Running", String(running), counts.machines ? percent(running / counts.machines) : "", counts.machines ? running / counts.machines : null),
    tile("Processors", String(counts.processors), counts.max_processors === null ? "" : `of ${counts.max_processors}`, used),
    tile("Other factories", String(answering), `of ${others.length} answer`, others.length ? answering / others.length : null, answering < others.length ? "warn" : ""),
  ];
  if (counts.load !== null) rows.push(tile("Load", number.format(counts.load), "", null));
  if (counts.disk_free !== null) rows.push(tile("Free disk", bytes(counts.disk_free), "", null));
  if (view.accounting) {
    const { waiting, oldest } = view.accounting;
    rows.push(tile("Accounting", String(waiting), waiting && oldest ? `waiting, ${span(now() - oldest)}` : "waiting", null));
  }
  $("tiles").replaceChildren(...rows);
};

const kind = (each) => {
  const bar = make("div", "share", sized(make("i", `had ${colour(each.machinetype)}`), each.actual));
  if (each.target !== null) bar.append(sized(make("b", "wanted"), each.target));
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `has ${percent(each.actual)}, is to have ${percent(each.target)}`);
  const counts = STATES.filter((state) => each.states[state])
    .map((state) => make("span", "count", make("i", `sw s-${state}`), `${each.states[state]} ${state}`));
  if (each.elsewhere) counts.push(make("span", "count quiet", `${each.elsewhere} elsewhere`));
  if (!counts.length) counts.push(make("span", "count quiet", "no machines"));
  const why = make("p", "why", badge(WORDS[each.word] || each.word, TONES[each.word] || "calm"), make("span", "", each.reason));
  if (each.backoff_until !== null && each.backoff_until > now()) {
    why.append(make("span", "left", "back-off ends in ", ticking("until", each.backoff_until)));
  }
  const abort = each.abort === null ? null : make("p", "quiet abort",
    "last abort ", ticking("since", each.abort.at), ` ago on ${each.abort.factory}`,
    each.abort.message ? make("q", "", each.abort.message) : null);
  return make("li", "kind",
    make("div", "kind-head", make("strong", "", make("i", `sw ${colour(each.machinetype)}`), each.machinetype),
      make("span", "figures", make("b", "", percent(each.actual)), ` of ${percent(each.target)}`)),
    bar, make("p", "counts", ...counts), why, abort);
};

const machine = (each) => {
  const words = `${each.machine}: ${each.machinetype}, ${each.state}, ${span(now() - each.since)}${each.why ? `, ${each.why}` : ""}`;
  const box = make("li", `slot s-${each.state} ${colour(each.machinetype)}`);
  box.title = words;
  box.append(make("span", "hidden", words));
  return box;
};

const machines = (space) => {
  const { counts, machines: all } = space;
  const boxes = all.map(machine);
  const free = Math.max(0, Math.min(counts.slots - counts.machines, 512 - all.length));
  for (let at = 0; at < free; at += 1) {
    const box = make("li", "slot free");
    box.setAttribute("aria-hidden", "true");
    boxes.push(box);
  }
  if (counts.machines > all.length) boxes.push(make("li", "quiet", `and ${counts.machines - all.length} more`));
  $("machines").replaceChildren(...boxes);
  $("machines-none").hidden = all.length > 0;
  const sums = STATES.map((state) => [state, all.filter((each) => each.state === state).length]);
  $("states").replaceChildren(...sums.filter(([, count]) => count)
    .map(([state, count]) => make("li", "", make("i", `sw s-${state}`), `${count} ${state}`)));
};

const factory = (each, most) => {
  const parts = each.own
    ? Object.entries(each.states).map(([name, states]) => [name, Object.values(states).reduce((a, b) => a + b, 0), (states.starting || 0) + (states.requested || 0)])
    : Object.entries(each.kinds || {}).map(([name, told]) => [name, told.machines, told.young]);
  const sum = parts.reduce((total, [, count]) => total + count, 0);
  const young = parts.reduce((total, part) => total + part[2], 0);
  const bar = sized(make("div", "stack"), most ? sum / most : 0);
  for (const [name, count] of parts.filter((part) => part[1])) {
    const piece = make("i", colour(name));
    piece.style.setProperty("--part", String(count));
    piece.title = `${name}: ${count}`;
    bar.append(piece);
  }
  const words = each.answers
    ? `${many(sum, "machine")}${young ? `, ${young} ${each.own ? "starting" : "young"}` : ""}`
    : `silent: ${each.why}`;
  const name = make("span", "name", each.factory, each.own ? badge("here", "good") : null, each.answers ? null : badge("silent", "bad"));
  return make("li", each.answers ? "factory" : "factory silent", name, make("span", "quiet", words), each.answers ? bar : null);
};

const factories = (space) => {
  const total = (each) => each.own
    ? Object.values(each.states).flatMap((s) => Object.values(s)).reduce((a, b) => a + b, 0)
    : Object.values(each.kinds || {}).reduce((sum, told) => sum + told.machines, 0);
  const most = Math.max(1, ...space.factories.map(total));
  $("factories").replaceChildren(...space.factories.map((each) => factory(each, most)));
};

const end = (each) => make("li", "end",
  make("span", "when quiet", ticking("since", each.at), " ago"),
  make("span", "what", make("i", `sw ${colour(each.machinetype)}`), each.machinetype),
  make("span", "who quiet", each.machine),
  badge(each.outcome, each.abort ? "bad" : "good"),
  make("span", "lived quiet", `after ${span(each.seconds)}`),
  each.message ? make("q", "said", each.message) : make("span", "said quiet", "said nothing"));

const image = (each) => {
  const total = Number(each.total_bytes) || 0;
  const facts = [];
  if (each.confirmed_at) facts.push(make("span", "quiet", "confirmed ", ticking("since", each.confirmed_at), " ago"));
  if (each.fetched_bytes !== undefined && each.fetched_bytes !== null) {
    facts.push(make("span", "", total ? `${bytes(each.fetched_bytes)} of ${bytes(total)}` : bytes(each.fetched_bytes)));
  }
  else if (each.size) facts.push(make("span", "quiet", bytes(each.size)));
  if (each.signed_by) facts.push(make("span", "quiet", `signed by ${each.signed_by}`));
  const tone = { good: "good", old: "warn", missing: "bad", fetching: "calm" }[each.state];
  const row = make("li", "image", make("span", "name", String(each.image)),
    each.state ? badge(String(each.state), tone || "calm") : null, ...facts);
  if (total && each.fetched_bytes < total) {
    row.append(sized(make("span", "meter", make("i")), each.fetched_bytes / total));
  }
  if (each.problem) row.append(make("p", "why", badge("problem", "warn"), make("span", "", String(each.problem))));
  return row;
};

const about = (space) => {
  const words = [`factory ${space.factory}`, space.site, space.description].filter(Boolean);
  $("space-name").textContent = space.space;
  const line = $("space-about");
  line.replaceChildren(words.join(" · "), " · cycle ", ticking("since", space.taken_at), " ago");
  if (space.draining) line.append(" ", badge("draining", "warn"));
  if (space.shutdown_time) line.append(" ", badge(`shutdown ${moment(space.shutdown_time)}`, "warn"));
  if (!space.answered) line.append(" ", badge("no answer from the provider", "bad"));
};

const drawDay = (space) => {
  const told = day && day.spaces[space.space];
  if (!told) return;
  const names = stacked(told, order);
  $("legend").replaceChildren(...names.map((name) => make("li", "", make("i", `sw ${colour(name)}`), name)),
    make("li", "", make("i", "sw good"), "ended well"), make("li", "", make("i", "sw bad"), "aborts"));
  plots($("day"), told, colour, order, (text) => { $("readout").textContent = text; });
};

const spaces = () => {
  const current = chosen().space;
  $("spaces").hidden = view.spaces.length < 2;
  $("spaces").replaceChildren(...view.spaces.map((space) => {
    const link = make("a", space.problems.length ? "troubled" : "", space.space);
    link.href = `#${encodeURIComponent(space.space)}`;
    if (space.space === current) link.setAttribute("aria-current", "page");
    return link;
  }));
};

const render = () => {
  if (!view) return;
  $("empty").hidden = view.spaces.length > 0;
  $("space").hidden = view.spaces.length === 0;
  $("about").textContent = view.daemon;
  $("images-card").hidden = !view.images.length;
  $("images").replaceChildren(...view.images.map(image));
  if (!view.spaces.length) return;
  const space = chosen();
  order = space.machinetypes.map((each) => each.machinetype);
  const problems = [...(view.problems || []), ...space.problems];
  document.title = `${problems.length ? "(!) " : ""}${space.space} – Vcycle`;
  spaces();
  about(space);
  tiles(space);
  $("problems").hidden = !problems.length;
  $("problems").replaceChildren(make("ul", "", ...problems.map((text) => make("li", "", text))));
  const rows = space.machinetypes.map(kind);
  if (space.more_machinetypes) rows.push(make("li", "quiet", `and ${space.more_machinetypes} more`));
  $("kinds").replaceChildren(...rows);
  machines(space);
  factories(space);
  $("ends").replaceChildren(...space.ends.map(end));
  $("ends-none").hidden = space.ends.length > 0;
};

const linked = (is, text) => {
  if ($("link").dataset.is === is) return;
  $("link").dataset.is = is;
  $("link-text").textContent = text;
};
const take = (name, document_) => {
  setClock(document_.written);
  if (name === "view") { view = document_; render(); if (day) drawDayNow(); } else { day = document_; drawDayNow(); }
};
let drawn = "";
const drawDayNow = () => {
  if (!view || !view.spaces.length) return;
  const space = chosen();
  const state = `${space.space} ${day && day.written} ${order.join(" ")}`;
  if (state !== drawn) { drawn = state; drawDay(space); }
};

const poll = async () => {
  try {
    for (const name of ["view", "day"]) {
      const answer = await fetch(`/v1/${name}`);
      if (!answer.ok) throw new Error(String(answer.status));
      take(name, await answer.json());
    }
    linked("polled", "asked now and then");
  } catch {
    linked("lost", "no answer");
  }
  window.setTimeout(poll, POLL_SECONDS * 1000);
};

const listen = () => {
  const source = new EventSource("/events");
  for (const name of ["view", "day"]) {
    source.addEventListener(name, (event) => { take(name, JSON.parse(event.data)); linked("live", "live"); });
  }
  source.onerror = () => {
    // Where no place is left for one more listener the browser gives up: then we ask.
    if (source.readyState === EventSource.CLOSED) poll(); else linked("lost", "connection lost, trying again");
  };
};

window.addEventListener("hashchange", () => { render(); drawDayNow(); });
window.setInterval(tickAll, 1000);
listen();
