"use strict";
// Zooming into the flame graph. Without this the graph stands as it is.
(() => {
  const flame = document.getElementById("flame");
  const tools = document.getElementById("flame-tools");
  const readout = document.getElementById("flame-readout");
  const [back, reset, side] = ["back", "reset", "side"].map((name) => document.getElementById("flame-" + name));
  const search = document.getElementById("flame-search");
  const found = document.getElementById("flame-found");
  const hint = "Point at a frame to read it, click to zoom in; with the keyboard: arrows, Enter, Escape for the whole.";

  // The page is parsed as it is: positions are custom properties, so nothing is built from text.
  const frames = Array.from(flame.children, (element) => {
    const number = (name) => Number(element.style.getPropertyValue(name));
    const after = [number("--x"), number("--w")];
    const before = element.dataset.b ? element.dataset.b.split(" ").map(Number) : after;
    // The text may be shorter than the name; the title is the name and its numbers.
    const name = element.title.slice(0, element.title.lastIndexOf(": ")).toLowerCase();
    return { element, name, after, before, depth: number("--d"), parent: Number(element.dataset.p), children: [] };
  });
  frames.forEach((frame, n) => { if (n > 0) frames[frame.parent].children.push(n); });

  let zoomed = 0;
  let current = 0;
  let ofBefore = false;
  const history = [];
  const span = (n) => (ofBefore ? frames[n].before : frames[n].after);

  function above(n) {
    const up = new Set();
    for (let at = n; at !== 0; at = frames[at].parent) up.add(frames[at].parent);
    return up;
  }

  function draw() {
    const [start, wide] = span(zoomed);
    const up = above(zoomed);
    frames.forEach((frame, n) => {
      const [x, w] = span(n);
      const at = up.has(n) ? [0, 100] : [((x - start) / wide) * 100, (w / wide) * 100];
      const below = frame.depth >= frames[zoomed].depth && at[0] > -0.01 && at[0] + at[1] < 100.01;
      const seen = up.has(n) || n === zoomed || (below && at[1] > 0.05);
      frame.element.hidden = !seen;
      if (!seen) return;
      frame.element.style.setProperty("--x", at[0].toFixed(3));
      frame.element.style.setProperty("--w", at[1].toFixed(3));
      frame.element.classList.toggle("above", up.has(n));
    });
    back.disabled = history.length === 0;
    reset.disabled = zoomed === 0;
    if (frames[current].element.hidden) point(zoomed, false);
  }

  // A frame that takes nothing on this side cannot be as wide as the picture.
  function zoom(n, remember) {
    if (!frames[n] || span(n)[1] <= 0) return draw();
    if (remember && n !== zoomed) history.push(zoomed);
    zoomed = n;
    draw();
    tell(n);
    window.history.replaceState(null, "", n === 0 ? "#flame-heading" : "#f" + n);
  }

  function tell(n) { readout.textContent = frames[n].element.title; }

  function point(n, focus) {
    frames[current].element.tabIndex = -1;
    current = n;
    frames[n].element.tabIndex = 0;
    if (focus) frames[n].element.focus();
  }

  const indexOf = (target) => frames.findIndex((frame) => frame.element === target);

  flame.addEventListener("click", (event) => {
    const n = indexOf(event.target);
    if (n >= 0) { point(n, false); zoom(n, true); }
  });
  flame.addEventListener("mouseover", (event) => { const n = indexOf(event.target); if (n >= 0) tell(n); });
  flame.addEventListener("mouseleave", () => { readout.textContent = zoomed === 0 ? hint : frames[zoomed].element.title; });
  flame.addEventListener("focusin", (event) => { const n = indexOf(event.target); if (n >= 0) tell(n); });
  flame.addEventListener("keydown", (event) => {
    const seen = (n) => n !== undefined && !frames[n].element.hidden;
    const beside = frames[frames[current].parent].children;
    const at = beside.indexOf(current);
    const next = {
      ArrowDown: () => frames[current].children.find(seen),
      ArrowUp: () => frames[current].parent,
      ArrowLeft: () => beside.slice(0, Math.max(at, 0)).reverse().find(seen),
      ArrowRight: () => (at < 0 ? undefined : beside.slice(at + 1).find(seen)),
    }[event.key];
    if (next) {
      const n = next();
      if (seen(n)) point(n, true);
    } else if (event.key === "Enter" || event.key === " ") {
      zoom(current, true);
    } else if (event.key === "Escape") {
      zoom(0, true);
    } else {
      return;
    }
    event.preventDefault();
  });
  back.addEventListener("click", () => { zoom(history.pop(), false); });
  reset.addEventListener("click", () => zoom(0, true));
  if (side) {
    side.addEventListener("click", () => {
      ofBefore = !ofBefore;
      side.setAttribute("aria-pressed", String(ofBefore));
      if (span(zoomed)[1] <= 0) zoomed = 0;
      draw();
    });
  }
  search.addEventListener("input", () => {
    const text = search.value.trim().toLowerCase();
    let share = 0;
    let count = 0;
    const matches = frames.map((frame) => text !== "" && frame.name.includes(text));
    frames.forEach((frame, n) => {
      frame.element.classList.toggle("found", matches[n]);
      if (!matches[n]) return;
      count += 1;
      // What a match calls is in the match.
      if (![...above(n)].some((up) => matches[up])) share += frame.after[1];
    });
    const told = (count === 1 ? "1 frame, " : count + " frames, ") + share.toFixed(1) + " % of samples" + (side ? " after" : "");
    found.textContent = text === "" ? "" : count === 0 ? "no frame" : told;
  });

  flame.classList.add("zooms");
  tools.hidden = false;
  readout.textContent = hint;
  frames.forEach((frame) => { frame.element.setAttribute("role", "button"); frame.element.tabIndex = -1; });
  frames[0].element.tabIndex = 0;
  const named = /^#f(\d+)$/.exec(window.location.hash);
  if (named) zoom(Number(named[1]), true);
})();
