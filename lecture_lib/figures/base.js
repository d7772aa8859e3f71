// What every live figure shares. base.py puts this text before each figure's own file, so that a
// figure is one self-contained module: it fetches nothing, in the plain page as in Jupyter.

/** Set the attributes of an element, and its text if there is any. */
function put(node, attributes = {}, text = null) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== null) node.textContent = text;
  return node;
}

/** Add an element to the page: html(parent, "p", { class: "note" }, "text"). */
function html(parent, name, attributes, text) {
  return parent.appendChild(put(document.createElement(name), attributes, text));
}

/** Add an element to a drawing: svg(drawing, "circle", { r: 3 }). */
function svg(parent, name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  return parent.appendChild(put(node, attributes, text));
}

/** Turn `el` into a live figure whose parts take the places in `areas` where there is width for two columns. */
function layout(el, areas) {
  el.classList.add("live");
  const body = html(el, "div", { class: "live-body" });
  body.style.setProperty("--areas", areas);
  return (area) => html(body, "div", { style: `grid-area: ${area}`, class: `live-${area}` });
}

/** A drawing of fixed inner size. At 318 pixels, a phone's column, its 12-unit text is 11 pixels high. */
function drawing(parent, height, width = 340) {
  return svg(parent, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
}

/** The numbers of a binary trait. Its bytes may begin anywhere in a message, hence the copy. */
function numbers(bytes, Type = Float64Array) {
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Three significant figures, with a true minus sign. */
function format(value) {
  return value === 0 ? "0" : threeDigits.format(value).replace("-", "−");
}
const threeDigits = new Intl.NumberFormat("en-GB", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

/** The share of a whole in whole percent; 0 of 0 is 0. */
function percent(part, whole) {
  return `${whole > 0 ? Math.round((100 * part) / whole) : 0}\u00a0%`; // the sign stays on the line of its number
}

/** The straight map that takes the interval [a, b] to [c, d]; `inverse` takes it back. */
function scale([a, b], [c, d]) {
  const map = (value) => c + ((value - a) / (b - a)) * (d - c);
  map.inverse = (value) => a + ((value - c) / (d - c)) * (b - a);
  map.domain = [a, b];
  map.range = [c, d];
  return map;
}

/** Round numbers in [low, high], about `count` of them. */
function ticks([low, high], count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/** Grid lines, tick labels and names of two axes. */
function axes(parent, x, y, { xName, yName, xTicks = ticks(x.domain), yTicks = ticks(y.domain), unit = "" }) {
  const [left, right] = x.range, [bottom, top] = y.range;
  const write = (value) => `${value}${unit}`.replace("-", "−");
  for (const value of xTicks) {
    svg(parent, "line", { x1: x(value), x2: x(value), y1: bottom, y2: top, class: "live-grid" });
    const anchor = unit && x(value) > right - 8 ? "end" : "middle"; // "180°" would stick out
    svg(parent, "text", { x: x(value), y: bottom + 16, "text-anchor": anchor, class: "live-tick" }, write(value));
  }
  for (const value of yTicks) {
    svg(parent, "line", { x1: left, x2: right, y1: y(value), y2: y(value), class: "live-grid" });
    svg(parent, "text", { x: left - 6, y: y(value) + 4, "text-anchor": "end", class: "live-tick" }, String(value).replace("-", "−"));
  }
  svg(parent, "text", { x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, xName);
  svg(parent, "text", { x: left, y: top - 9, "text-anchor": "start" }, yName);
}

/** The axes of a plane at equal scales: the square of 2 · half around a centre, 290 units wide. */
function squarePlane(parent, [centre1, centre2], half) {
  const x = scale([centre1 - half, centre1 + half], [42, 332]);
  const y = scale([centre2 - half, centre2 + half], [312, 22]);
  axes(parent, x, y, { xName: "x₁", yName: "x₂" });
  return { x, y };
}

/** The path through points [[x, y], ...] in drawing units. */
function path(points) {
  return "M" + points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join("L");
}

/**
 * A labelled slider for one trait of the model. The trait is the only state: the slider, a dragged
 * handle and Python all set it, and all follow it. `show` gives the number beside the label, `words`
 * what a screen reader says.
 */
function slider(parent, model, trait, { label, min, max, step, show, words }) {
  const box = html(parent, "div", { class: "live-slider" });
  const id = `live-${trait}-${Math.random().toString(36).slice(2)}`;
  const line = html(box, "div", { class: "live-slider-line" });
  html(line, "label", { for: id }, label);
  const shown = html(line, "span", { class: "live-value", "aria-hidden": "true" });
  const input = html(box, "input", { type: "range", id, min, max, step });
  input.addEventListener("input", () => change(model, trait, Number(input.value)));
  const follow = () => {
    input.value = model.get(trait);
    shown.textContent = show(model.get(trait));
    put(input, { "aria-valuetext": words(model.get(trait)) });
    input.style.setProperty("--share", (input.value - min) / (max - min)); // fills the track to the thumb
  };
  return { input, follow };
}

/** A labelled list of which one entry is chosen; the trait holds its number. */
function choice(parent, model, trait, { label, entries }) {
  const box = html(parent, "div", { class: "live-choice" });
  const id = `live-${trait}-${Math.random().toString(36).slice(2)}`;
  html(box, "label", { for: id }, label);
  const select = html(box, "select", { id });
  entries.forEach((entry, index) => html(select, "option", { value: index }, entry));
  select.addEventListener("change", () => change(model, trait, Number(select.value)));
  return { follow: () => { select.value = model.get(trait); } };
}

/**
 * A button that takes a trait to `last` and stops there; `next` gives the value after the present one.
 * Whoever else sets the trait, by a slider, in a second view or from Python, takes over.
 */
function player(parent, model, trait, { last, pause, next }) {
  parent.classList.add("live-player");
  const button = html(parent, "button", { type: "button", class: "live-button" }, "Play");
  let timer = null, played = null; // the value that the timer set last
  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => {
      played = next(model.get(trait));
      change(model, trait, played);
      if (played === last) play(false);
    }, pause) : null;
    button.textContent = on ? "Pause" : "Play";
  }
  button.addEventListener("click", () => {
    if (timer === null && model.get(trait) === last) change(model, trait, 0);
    play(timer === null);
  });
  model.on(`change:${trait}`, () => { if (timer !== null && model.get(trait) !== played) play(false); });
  return () => play(false);
}

/** A picture under a title. `paint` colours it: colour(i) gives red, green, blue and alpha (0 to 255) of pixel i. */
function tile(parent, title, [height, width]) {
  const box = html(parent, "div");
  const heading = html(box, "div", { class: "live-tile-title" }, title);
  const context = html(box, "canvas", { width, height }).getContext("2d");
  const paint = (colour, text = title) => {
    heading.textContent = text;
    const image = context.createImageData(width, height); // its bytes clip what is below 0 or above 255
    for (let i = 0; i < width * height; i++) image.data.set(colour(i), 4 * i);
    context.putImageData(image, 0, 0);
  };
  return { box, paint };
}

/** Set a trait, within [low, high] if they are given, and tell Python if it is there. */
function change(model, trait, value, low = -Infinity, high = Infinity) {
  model.set(trait, Math.min(Math.max(value, low), high));
  model.save_changes();
}

/** Follow the pointer that presses `handle`; `move` gets its place in the drawing's units. */
function drag(handle, move, focus) {
  handle.classList.add("live-handle");
  const follow = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = place.matrixTransform(handle.ownerSVGElement.getScreenCTM().inverse());
    move(x, y);
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // no text selection
    handle.setPointerCapture(event.pointerId);
    focus.focus({ preventScroll: true }); // so that the arrow keys go on from here
  });
  // Browsers heed `touch-action` on some shapes of a drawing only; this stops the scrolling on all.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) follow(event);
  });
}

/** A sentence under the figure. Screen readers hear it when the figure has come to rest, not at each step. */
function readout(parent) {
  const shown = html(parent, "p", { class: "live-sentence", "aria-hidden": "true" });
  const spoken = html(parent, "p", { class: "live-spoken", "aria-live": "polite" });
  let timer;
  return (sentence) => {
    shown.textContent = sentence;
    clearTimeout(timer);
    timer = setTimeout(() => { spoken.textContent = sentence; }, 400);
  };
}

/** Red, green and blue (0 to 255) of a colour variable as the page's theme has it now. */
function rgb(el, name) {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  context.fillStyle = getComputedStyle(el).getPropertyValue(name);
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** Draw now, whenever one of the traits changes and, where the pixels of `coloured` hold colours, when the theme does. */
function watch(model, traits, draw, { coloured = null } = {}) {
  for (const trait of traits) model.on(`change:${trait}`, draw);
  draw();
  if (!coloured) return () => {};
  if (!coloured.isConnected) { // JupyterLab draws first and places then; until it has, a colour variable has no value
    const placed = new ResizeObserver(() => {
      if (!coloured.isConnected) return;
      placed.disconnect();
      draw();
    });
    placed.observe(coloured);
  }
  const observer = new MutationObserver(draw);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-name", "theme"] });
  }
  return () => observer.disconnect();
}

