// DirectionFigure: a direction v through the mean of points in the plane, turned by the reader.
// Every number comes from the scatter matrix S: retained = vᵀSv, error = trace S − vᵀSv.

function scatter(points) {
  const mean = [0, 1].map((d) => points.reduce((sum, point) => sum + point[d], 0) / points.length);
  const entry = (c, d) => points.reduce((sum, p) => sum + (p[c] - mean[c]) * (p[d] - mean[d]), 0);
  return { mean, s11: entry(0, 0), s12: entry(0, 1), s22: entry(1, 1) };
}

function render({ model, el }) {
  const flat = numbers(model.get("points"));
  const points = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  const { mean, s11, s12, s22 } = scatter(points);
  const total = s11 + s22;
  const vector = (theta) => [Math.cos((theta * Math.PI) / 180), Math.sin((theta * Math.PI) / 180)];
  const retained = (theta) => {
    const [c, s] = vector(theta);
    return s11 * c * c + 2 * s12 * c * s + s22 * s * s;
  };
  // The derivative of vᵀSv vanishes where tan 2θ = 2 S₁₂ / (S₁₁ − S₂₂): at the maximum and, a right
  // angle further, at the minimum. A round cloud (S a multiple of I) has neither.
  const best = ((90 * Math.atan2(2 * s12, s11 - s22)) / Math.PI + 180) % 180;
  const round = retained(best) - total / 2 < 1e-9 * total;

  const place = layout(el, '"main side" "controls controls" "readout readout"');
  const plane = drawing(place("main"), 350);
  const controls = place("controls");
  const side = drawing(place("side"), 350);
  const say = readout(place("readout"));

  // The plane, at equal scales, so that right angles look right.
  const reach = Math.max(...points.map(([a, b]) => Math.hypot(a - mean[0], b - mean[1])));
  const half = 1.15 * reach;
  const { x, y } = squarePlane(plane, mean, half);
  const at = ([a, b]) => [x(a), y(b)];
  const line = svg(plane, "path", { class: "live-line-muted" });
  const residuals = svg(plane, "path", { class: "live-line live-orange live-dashed" });
  for (const [cx, cy] of points.map(at)) svg(plane, "circle", { cx, cy, r: 4, class: "live-dot live-ink" });
  const arrow = svg(plane, "path", { class: "live-line live-blue" });
  const feet = points.map(() => svg(plane, "circle", { r: 3.2, class: "live-dot live-blue" }));
  const [mx, my] = at(mean);
  svg(plane, "circle", { cx: mx, cy: my, r: 5, class: "live-ring live-ink" });
  const handle = svg(plane, "g");
  svg(handle, "circle", { r: 22, class: "live-touch" });
  svg(handle, "circle", { r: 9, class: "live-ring live-blue" });
  svg(handle, "text", { x: 0, y: 4, "text-anchor": "middle", class: "live-tick live-strong" }, "v");

  // Two bars end to end: what the line keeps and what it misses.
  const bar = scale([0, total], [42, 332]);
  const hatch = `live-hatch-${Math.random().toString(36).slice(2)}`;
  const pattern = svg(svg(side, "defs"), "pattern", { id: hatch, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  svg(pattern, "line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "live-line live-orange", "stroke-width": 2 });
  svg(side, "text", { x: 42, y: 13, class: "live-text-blue" }, "retained Σ z²");
  svg(side, "text", { x: 332, y: 13, "text-anchor": "end", class: "live-text-orange" }, "error Σ ‖x̂ − x‖²");
  const keptText = svg(side, "text", { x: 42, y: 31, class: "live-number live-text-blue" });
  const missedText = svg(side, "text", { x: 332, y: 31, "text-anchor": "end", class: "live-number live-text-orange" });
  const kept = svg(side, "rect", { x: 42, y: 38, height: 22, class: "live-fill live-blue" });
  const missed = svg(side, "rect", { y: 38, height: 22, fill: `url(#${hatch})`, class: "live-frame-orange" });
  svg(side, "path", { d: "M42,67v5H332v-5", class: "live-line-muted" });
  svg(side, "text", { x: 187, y: 87, "text-anchor": "middle", class: "live-tick" }, `trace S = ${format(total)}, at every angle`);

  // The retained variance of every direction.
  const across = scale([0, 180], [42, 332]);
  const up = scale([0, total], [312, 132]);
  axes(side, across, up, { xName: "angle θ of v", yName: "retained Σ z² at each angle", xTicks: [0, 45, 90, 135, 180], yTicks: ticks([0, total], 4), unit: "°" });
  const keptLine = svg(side, "path", { class: "live-line live-blue live-thick" });
  const missedLine = svg(side, "path", { class: "live-line live-orange live-dashed" });
  const curve = Array.from({ length: 181 }, (_, theta) => [across(theta), up(retained(theta))]);
  svg(side, "path", { d: path(curve), class: "live-line live-ink" });
  if (!round) {
    for (const [theta, name, dy] of [[best, "max", 17], [(best + 90) % 180, "min", -9]]) {
      const cx = Math.min(Math.max(across(theta), 42 + 17), 332 - 17); // inside the frame
      const cy = up(retained(theta));
      svg(side, "line", { x1: cx - 17, x2: cx + 17, y1: cy, y2: cy, class: "live-line live-teal live-thick" });
      svg(side, "text", { x: cx, y: cy + dy, "text-anchor": "middle", class: "live-tick live-halo" }, name);
    }
  }
  const marker = svg(side, "circle", { r: 6, class: "live-ring live-blue" });

  const words = (theta) => `${Math.round(theta)} degrees, retained ${format(retained(theta))}, error ${format(total - retained(theta))}`;
  const angle = slider(controls, model, "theta", {
    label: "Angle θ of the direction v", min: 0, max: 180, step: 1,
    show: (theta) => `${theta.toFixed(1)}°`, words,
  });
  const button = html(controls, "button", { type: "button", class: "live-button" }, "Best direction");
  button.addEventListener("click", () => change(model, "theta", best));

  let end = 1; // which end of the line carries the handle: the one that the reader holds
  drag(handle, (px, py) => {
    const degrees = (Math.atan2(y.inverse(py) - mean[1], x.inverse(px) - mean[0]) * 180) / Math.PI;
    const theta = Math.round(10 * ((degrees + 180) % 180)) / 10;
    const [c, s] = vector(theta);
    end = c * (px - mx) - s * (py - my) < 0 ? -1 : 1;
    change(model, "theta", theta);
  }, angle.input);

  return watch(model, ["theta"], () => {
    const theta = model.get("theta"), [c, s] = vector(theta);
    const keeps = retained(theta), misses = total - keeps;
    const along = (z) => at([mean[0] + z * c, mean[1] + z * s]);
    const projected = points.map(([a, b]) => along((a - mean[0]) * c + (b - mean[1]) * s));
    put(line, { d: path([along(-half), along(half)]) });
    put(residuals, { d: points.map((point, i) => path([at(point), projected[i]])).join("") });
    projected.forEach(([cx, cy], i) => put(feet[i], { cx, cy }));
    const tip = along(1.04 * reach * end);
    put(arrow, { d: path([[mx, my], tip]) });
    put(handle, { transform: `translate(${tip})` });

    put(kept, { width: bar(keeps) - 42 });
    put(missed, { x: bar(keeps), width: 332 - bar(keeps) });
    put(keptText, {}, format(keeps));
    put(missedText, {}, format(misses));
    const cx = across(theta), cy = up(keeps);
    put(keptLine, { d: path([[cx, 312], [cx, cy]]) });
    put(missedLine, { d: path([[cx, cy], [cx, 132]]) });
    put(marker, { cx, cy });
    angle.follow();

    const sums = `retained ${format(keeps)}, error ${format(misses)}, together ${format(total)}`;
    put(plane, { "aria-label": `${points.length} points and a line through their mean at ${theta.toFixed(1)} degrees. Dashed segments join each point to its projection on the line.` });
    put(side, { "aria-label": `Two bars end to end: ${sums}. Below, the retained variance at each angle` + (round ? ", the same everywhere." : `, largest at ${best.toFixed(1)} degrees and smallest a right angle away. The mark stands at ${theta.toFixed(1)} degrees.`) });
    say(`At ${theta.toFixed(1)}° the line keeps ${format(keeps)} of ${format(total)} (${percent(keeps, total)}) and misses ${format(misses)}.`);
    Object.assign(el.dataset, { theta, retained: keeps, error: misses, total, best });
  });
}

export default { render };
