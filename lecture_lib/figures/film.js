// FilmFigure: the training of an autoencoder of the plane. A frame is one snapshot of its weights:
// the points, their reconstructions, what the decoder makes of the range of the codes, and the loss.

function render({ model, el }) {
  const epochs = model.get("epochs"), losses = model.get("losses"), last = epochs.length - 1;
  const pca = model.get("pca_loss"), pcaLine = model.get("pca_line"), flat = pcaLine.length > 0;
  const [centre1, centre2, half] = model.get("window");
  const pause = matchMedia("(prefers-reduced-motion: reduce)").matches ? 600 : 120; // milliseconds a frame
  const shares = numbers(model.get("share_data"), Uint8Array);
  const name = flat ? "z" : "z₁", lineLook = flat ? "live-line live-ink" : "live-line-muted";

  // Places travel as whole numbers over the plane and as much again on each side of it.
  const across = scale([0, 65535], [42 - 290, 332 + 290]), up = scale([0, 65535], [312 + 290, 22 - 290]);
  function places(trait) {
    const whole = numbers(model.get(trait), Uint16Array);
    return Array.from({ length: whole.length / 2 }, (_, i) => [across(whole[2 * i]), up(whole[2 * i + 1])]);
  }
  const points = places("point_data"), rebuilt = places("rebuilt_data"), decoded = places("line_data");
  const count = points.length, lineCount = model.get("line_count");
  const steps = decoded.length / (epochs.length * lineCount); // points on a decoded line

  const place = layout(el, '"main side" "controls controls" "readout readout"');
  const plane = drawing(place("main"), 350);
  const { x, y } = squarePlane(plane, [centre1, centre2], half);
  const controls = place("controls");
  const side = drawing(place("side"), 350);
  const say = readout(place("readout"));

  // What a wild frame has outside the window is cut off.
  const cut = `live-window-${Math.random().toString(36).slice(2)}`;
  svg(svg(svg(plane, "defs"), "clipPath", { id: cut }), "rect", { x: 42, y: 22, width: 290, height: 290 });
  const inside = svg(plane, "g", { "clip-path": `url(#${cut})` });
  const errors = svg(inside, "path", { class: "live-line-muted live-faint" });
  for (const [cx, cy] of points) svg(inside, "circle", { cx, cy, r: 2.7, class: "live-hollow" });
  if (flat) svg(inside, "path", { d: path([[x(pcaLine[0]), y(pcaLine[1])], [x(pcaLine[2]), y(pcaLine[3])]]), class: "live-line live-ink live-dashed" });
  const curve = svg(inside, "path", { class: lineLook });
  const dots = points.map(() => svg(inside, "circle", { r: 3.6, class: "live-dot live-coded" }));

  // The key: what the marks are, and what the colours mean.
  const key = (column, row) => svg(side, "g", { transform: `translate(${[42, 182][column]}, ${9 + 21 * row})` });
  const entry = (column, row, text) => svg(key(column, row), "text", { x: 28, y: 4 }, text).parentNode;
  svg(entry(0, 0, "data x"), "circle", { cx: 10, r: 2.7, class: "live-hollow" });
  const rebuiltKey = entry(1, 0, "reconstruction x̂");
  for (const k of [0, 1, 2]) svg(rebuiltKey, "circle", { cx: 3 + 7 * k, r: 3.6, class: "live-dot live-coded", style: `--code: ${50 * k}%` });
  svg(entry(0, 1, flat ? "decoded curve" : "decoded grid"), "path", { d: "M0,0H20", class: lineLook });
  if (flat) svg(entry(1, 1, "PCA’s line"), "path", { d: "M0,0H20", class: "live-line live-ink live-dashed" });
  const bar = key(0, 2);
  svg(bar, "text", { y: 4 }, `code ${name}: low`);
  for (let k = 0; k < 32; k++) { // each reaches under the next, so that no seam is seen
    svg(bar, "rect", { x: 90 + 4 * k, y: -6, width: Math.min(8, 128 - 4 * k), height: 12, class: "live-coded", style: `--code: ${(100 * k) / 31}%` });
  }
  svg(bar, "text", { x: 224, y: 4 }, "high");

  // The loss against the epoch. A loss of nothing has no place on a logarithmic axis, hence the floor: it
  // is a thirty-thousandth of the window, squared.
  const drawn = flat ? [...losses, pca] : losses;
  const floor = half ** 2 / 1e9;
  const log = (loss) => Math.log10(Math.max(loss, floor));
  const low = Math.min(...drawn.map(log)), high = Math.max(...drawn.map(log)), spare = 0.08 * Math.max(high - low, 0.1);
  const along = scale([epochs[0], epochs[last]], [42, 332]);
  const height = scale([low - spare, high + spare], [312, 102]);
  const level = Object.assign((loss) => height(log(loss)), { range: height.range });
  axes(side, along, level, { xName: "epoch", yName: "loss, mean of ‖x̂ − x‖²", yTicks: [] });
  for (const value of powers(height.domain)) {
    svg(side, "line", { x1: 42, x2: 332, y1: level(value), y2: level(value), class: "live-grid" });
    svg(side, "text", { x: 36, y: level(value) + 4, "text-anchor": "end", class: "live-tick" }, short(value));
  }
  const seen = losses.map((loss, k) => [along(epochs[k]), level(loss)]);
  if (flat) {
    svg(side, "path", { d: path([[42, level(pca)], [332, level(pca)]]), class: "live-line live-ink live-dashed" });
    // At the left, where the loss is still far above.
    svg(side, "text", { x: 46, y: level(pca) - 7, class: "live-tick live-halo" }, `PCA ${format(pca)}`);
  }
  svg(side, "path", { d: path(seen), class: "live-line live-ink" });
  for (const [cx, cy] of seen) svg(side, "circle", { cx, cy, r: 1.8, class: "live-fill live-ink" });
  const marker = svg(side, "circle", { r: 6, class: "live-ring live-teal" });

  const stop = player(controls, model, "frame", { last, pause, next: (frame) => Math.min(frame + 1, last) });
  const epoch = slider(controls, model, "frame", {
    label: "Epoch", min: 0, max: last, step: 1,
    show: (frame) => `${epochs[frame]} of ${epochs[last]}`, words: (frame) => `epoch ${epochs[frame]}, loss ${format(losses[frame])}`,
  });

  const compare = flat ? `; PCA’s is ${format(pca)}` : "; PCA with two components loses nothing";
  watch(model, ["frame"], () => {
    const frame = model.get("frame"), loss = losses[frame];
    const now = rebuilt.slice(frame * count, (frame + 1) * count);
    now.forEach(([cx, cy], i) => {
      put(dots[i], { cx: cx.toFixed(2), cy: cy.toFixed(2) });
      dots[i].style.setProperty("--code", `${shares[frame * count + i] / 2.55}%`);
    });
    put(errors, { d: now.map((to, i) => path([points[i], to])).join("") });
    const lines = Array.from({ length: lineCount }, (_, k) => (frame * lineCount + k) * steps);
    put(curve, { d: lines.map((start) => path(decoded.slice(start, start + steps))).join("") });
    const [cx, cy] = seen[frame];
    put(marker, { cx, cy });
    epoch.follow();

    const when = epochs[frame] === 0 ? "Before training" : `After ${epochs[frame]} epoch${epochs[frame] === 1 ? "" : "s"}`;
    const sentence = `${when} the loss is ${format(loss)}${compare}.`;
    put(plane, { "aria-label": `${count} points and their reconstructions, which lie ${flat ? "on the decoder’s curve" : "among the decoder’s grid lines"} and are coloured by the code ${name}. ${sentence}` });
    put(side, { "aria-label": `The loss against the epoch on a logarithmic axis, from ${format(losses[0])} at epoch ${epochs[0]} to ${format(losses[last])} at epoch ${epochs[last]}. The mark stands at epoch ${epochs[frame]}.` });
    say(sentence);
    Object.assign(el.dataset, { frame, epoch: epochs[frame], loss, pca });
  });
  return stop;
}

/** Round numbers on a logarithmic axis: of its decades alone if there are enough, or between them. */
function powers([low, high]) {
  const decades = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, k) => Math.floor(low) + k);
  const within = (value) => value >= 10 ** low && value <= 10 ** high;
  const choices = [[1], [1, 3], [1, 2, 5]].map((factors) => decades.flatMap((k) => factors.map((f) => Number(`${f}e${k}`))).filter(within));
  return choices.find((values) => values.length > 2) ?? ticks([10 ** low, 10 ** high], 3);
}

/** 0.01 as it is, 0.00003 as 3·10⁻⁵. */
function short(value) {
  if (value >= 0.001 && value < 1e5) return String(value);
  const [digits, power] = value.toExponential().split("e");
  const raised = Number(power).toString().replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return `${digits === "1" ? "" : `${digits}·`}10${raised}`;
}

export default { render };
