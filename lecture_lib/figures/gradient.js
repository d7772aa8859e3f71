// GradientFigure: the slope 2μ of E[z²], z from N(μ, σ²), estimated from single draws in two ways:
// score function, z² (z − μ)/σ², and pathwise, 2z. Both use the same draws z = μ + σ ε.

const DRAWS = 400; // in a set

function render({ model, el }) {
  const epsilons = Float64Array.from(numbers(model.get("epsilon_data"), Float32Array));
  const zReaches = model.get("z_reaches"), reaches = model.get("reaches");
  const ranks = model.get("ranks"), sets = epsilons.length / DRAWS; // ranks of the draws shown one by one
  const square = (value) => value * value;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = (values, centre = mean(values)) => values.reduce((sum, value) => sum + square(value - centre), 0) / (values.length - 1);
  const signed = (value) => value.toFixed(2).replace("-", "−");
  const largest = (values) => Math.max(...values.map(Math.abs));

  /** Both estimates for each ε, and z itself. */
  function estimate(mu, sigma, epsilon) {
    const z = epsilon.map((e) => mu + sigma * e);
    return { z, score: z.map((value, i) => (value * value * epsilon[i]) / sigma), path: z.map((value) => 2 * value) };
  }

  const place = layout(el, '"main side" "controls table" "readout readout"');
  const left = drawing(place("main"), 350);
  const right = drawing(place("side"), 350);
  const controls = place("controls");
  controls.classList.add("live-top");
  const table = html(place("table"), "table", { class: "live-table" });
  const say = readout(place("readout"));

  // Left: the function with the draws, over the density that they come from.
  const plot = svg(left, "g"); // axes, drawn anew since they follow what they hold
  const bell = svg(left, "path", { class: "live-bell live-teal" });
  const curve = svg(left, "path", { class: "live-line live-ink" });
  const stems = svg(left, "path", { class: "live-line live-orange live-stem" });
  const tangents = svg(left, "path", { class: "live-line live-blue live-thick" });
  const dots = ranks.map(() => svg(left, "circle", { r: 4, class: "live-dot live-teal" }));
  const middle = svg(left, "path", { class: "live-line live-teal live-dashed" });
  const name = svg(left, "text", { class: "live-halo", y: 256 }, "q(z)");

  // Right: the estimates, all on one axis.
  const frame = svg(right, "g");
  const truth = svg(right, "path", { class: "live-line live-ink live-dashed" });
  svg(right, "text", { x: 44, y: 11, "text-anchor": "end", class: "live-tick" }, "z");
  svg(right, "text", { x: 50, y: 11 }, "six of the draws");
  const rows = ranks.map((_, k) => ({
    y: 33 + 20 * k,
    label: svg(right, "text", { x: 44, y: 37 + 20 * k, "text-anchor": "end", class: "live-tick" }),
    score: svg(right, "path", { class: "live-line live-orange live-stem" }),
    path: svg(right, "path", { class: "live-line live-blue live-stem" }),
  }));
  function strip(label, tone, y) {
    svg(right, "text", { x: 50, y, class: `live-text-${tone} live-halo` }, label);
    const outside = svg(right, "text", { x: 332, y, "text-anchor": "end", class: "live-tick live-halo" });
    const cloud = svg(right, "path", { class: `live-line live-${tone} live-thick live-faint` });
    const mark = svg(right, "circle", { r: 6, cy: y + 33, class: "live-ring live-ink" });
    return (values, x) => {
      const within = (value) => Math.abs(value) <= x.domain[1];
      const seen = Array.from(values, (value, i) => [value, y + 9 + 48 * ((i * 0.618034) % 1)]).filter(([value]) => within(value));
      put(cloud, { d: seen.map(([value, height]) => `M${x(value).toFixed(1)},${height.toFixed(1)}h.01`).join("") });
      put(mark, { cx: x(mean(values)) });
      put(outside, {}, `${values.length - seen.length} outside`);
      return values.length - seen.length;
    };
  }
  const drawScore = strip(`score function, ${DRAWS} draws`, "orange", 164);
  const drawPath = strip(`pathwise, ${DRAWS} draws`, "blue", 242);
  const truthName = svg(right, "text", { y: 12, class: "live-halo live-strong" }, "2μ");

  /** An arrow from a to b at a height. */
  function arrow(a, b, y) {
    const back = b < a ? 4 : -4;
    return `${path([[a, y], [b, y]])}${path([[b + back, y - 3], [b, y], [b + back, y + 3]])}`;
  }

  // The numbers, under names; the widths are fixed.
  const head = html(html(table, "thead"), "tr");
  html(head, "td");
  html(head, "th", { scope: "col", class: "live-text-orange" }, "score function");
  html(head, "th", { scope: "col", class: "live-text-blue" }, "pathwise");
  const body = html(table, "tbody");
  function line(label) {
    const row = html(body, "tr");
    html(row, "th", { scope: "row" }, label);
    const cells = [html(row, "td"), html(row, "td")];
    return (...values) => values.forEach((value, k) => put(cells[k], {}, value));
  }
  const showMean = line("mean of draws ○"), showTruth = line("exact mean 2μ");
  const showVariance = line("variance of draws"), showExact = line("exact variance"), showWrong = line("wrong sign");

  const where = slider(controls, model, "mu", {
    label: "Mean μ", min: -3, max: 3, step: 0.1,
    show: signed, words: (mu) => `mean ${mu.toFixed(2)}`,
  });
  const width = slider(controls, model, "sigma", {
    label: "Standard deviation σ", min: 0.1, max: 2, step: 0.05,
    show: (sigma) => sigma.toFixed(2), words: (sigma) => `standard deviation ${sigma.toFixed(2)}`,
  });
  const button = html(controls, "button", { type: "button", class: "live-button" }, "Draw again");
  button.addEventListener("click", () => change(model, "draw", (model.get("draw") + 1) % sets));

  return watch(model, ["mu", "sigma", "draw"], () => {
    const mu = model.get("mu"), sigma = model.get("sigma"), draw = model.get("draw");
    const epsilon = epsilons.slice(draw * DRAWS, (draw + 1) * DRAWS);
    const all = estimate(mu, sigma, epsilon);
    const sorted = epsilon.slice().sort();
    const few = estimate(mu, sigma, ranks.map((rank) => sorted[rank]));
    const exactScore = mu ** 4 / sigma ** 2 + 14 * mu ** 2 + 15 * sigma ** 2, exactPath = 4 * sigma ** 2;
    // The six always fit, and 2.5 standard deviations; what is beyond is counted.
    const furthest = Math.max(largest(few.z), Math.abs(mu) + 2 * sigma);
    const reach = zReaches.find((value) => value >= furthest);
    const widest = Math.max(largest(few.score), largest(few.path), 2 * Math.abs(mu) + 2.5 * Math.sqrt(exactScore));
    const wide = reaches.find((value) => value >= widest);

    const x = scale([-reach, reach], [42, 332]), f = scale([0, reach * reach], [226, 22]);
    plot.replaceChildren();
    axes(plot, x, Object.assign((value) => f(value), { range: [312, 22] }), { xName: "z", yName: "f(z) = z²", xTicks: ticks([-reach, reach], 6), yTicks: ticks([0, reach * reach], 4) });
    const steps = Array.from({ length: 121 }, (_, k) => reach * (k / 60 - 1));
    put(curve, { d: path(steps.map((z) => [x(z), f(z * z)])) });
    const near = Array.from({ length: 81 }, (_, k) => mu + sigma * (k / 10 - 4)).filter((z) => Math.abs(z) <= reach);
    const hill = near.map((z) => [x(z), 312 - 62 * Math.exp(-0.5 * ((z - mu) / sigma) ** 2)]);
    put(bell, { d: `${path([[hill[0][0], 312], ...hill, [hill.at(-1)[0], 312]])}Z` });
    put(middle, { d: path([[x(mu), 312], [x(mu), 250]]) });
    put(name, { x: x(mu) + (mu > 0 ? -12 : 12), "text-anchor": mu > 0 ? "end" : "start" });
    put(stems, { d: Array.from(few.z, (z) => path([[x(z), f(0)], [x(z), f(z * z)]])).join("") });
    put(tangents, { d: Array.from(few.z, (z) => {
      const run = 290 / (2 * reach), rise = (2 * z * 204) / (reach * reach); // in units of the drawing, for one of z
      const half = 14 / Math.hypot(run, rise); // so that all are equally long
      return path([-half, half].map((step) => [x(z + step), f(z * z + 2 * z * step)]));
    }).join("") });
    few.z.forEach((z, k) => put(dots[k], { cx: x(z), cy: 312 }));

    const value = scale([-wide, wide], [50, 332]);
    frame.replaceChildren();
    axes(frame, value, scale([0, 1], [312, 22]), { xName: "estimate of the slope 2μ", yName: "", xTicks: ticks([-wide, wide], 5), yTicks: [] });
    svg(frame, "path", { d: path([[value(0), 312], [value(0), 22]]), class: "live-line-muted" });
    put(truth, { d: path([[value(2 * mu), 312], [value(2 * mu), 22]]) });
    put(truthName, { x: value(2 * mu) + (mu < 0 ? -4 : 4), "text-anchor": mu < 0 ? "end" : "start" });
    rows.forEach((row, k) => {
      put(row.label, {}, signed(few.z[k]));
      put(row.score, { d: arrow(value(0), value(few.score[k]), row.y - 4) });
      put(row.path, { d: arrow(value(0), value(few.path[k]), row.y + 4) });
    });
    const scoreOutside = drawScore(all.score, value), pathOutside = drawPath(all.path, value);

    const wrong = (values) => values.filter((each) => mu * each < 0).length;
    const found = {
      scoreMean: mean(all.score), pathMean: mean(all.path), scoreVariance: variance(all.score), pathVariance: variance(all.path),
      wrongScore: wrong(all.score), wrongPath: wrong(all.path),
    };
    showMean(signed(found.scoreMean), signed(found.pathMean));
    showTruth(signed(2 * mu), signed(2 * mu));
    showVariance(format(found.scoreVariance), format(found.pathVariance));
    showExact(format(exactScore), format(exactPath));
    const outOf = (count) => (mu === 0 ? "–" : `${count} of ${DRAWS}`); // 0 has no sign to be wrong about
    showWrong(outOf(found.wrongScore), outOf(found.wrongPath));
    where.follow();
    width.follow();
    const state = `At μ = ${signed(mu)} and σ = ${sigma.toFixed(2)}`;
    put(left, { "aria-label": `The parabola z² over the density q. ${state} six draws are marked, each by a stem to the height of the parabola, which the score function uses, and by the tangent, which the pathwise estimate uses.` });
    put(right, { "aria-label": `Estimates of the slope ${signed(2 * mu)} from single draws: arrows for six draws, dots for ${DRAWS}. ${scoreOutside} score-function and ${pathOutside} pathwise estimates lie outside the axis, which ends at ±${wide}.` });
    say(`Both have the mean 2μ = ${signed(2 * mu)}. By the variances, one pathwise draw is worth ${format(exactScore / exactPath)} draws of the score function.`);
    Object.assign(el.dataset, { mu, sigma, draw, ...found, exactScore, exactPath, ratio: exactScore / exactPath, scoreOutside, pathOutside, reach, wide });
  });
}

export default { render };
