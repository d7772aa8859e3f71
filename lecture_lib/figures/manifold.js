// ManifoldFigure: a latent coordinate z, the curve g(z) in the plane, and the density that the two
// make together: p(x) = ∫ p(z) N(x | g(z), σ²I) dz, summed over the nodes of the curve.

const SIDE = 96; // pixels of the density picture along each side

function render({ model, el }) {
  const nodes = numbers(model.get("node_data"));
  const weights = numbers(model.get("weight_data")); // p(z) dz at each node
  const flat = numbers(model.get("curve_data"));
  const count = nodes.length;
  const [zLow, zHigh] = model.get("z_range");
  const [sigmaLow, sigmaHigh] = model.get("sigma_range");
  const [centre1, centre2, half] = model.get("window");
  const peak = model.get("peak");
  const prior = (z) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

  /** g(z), on the straight pieces between the nodes. */
  function curve(z) {
    let k = 1;
    while (k < count - 1 && nodes[k] < z) k++;
    const share = (z - nodes[k - 1]) / (nodes[k] - nodes[k - 1]);
    return [0, 1].map((d) => (1 - share) * flat[2 * k - 2 + d] + share * flat[2 * k + d]);
  }

  /** p(x) at the points (a, b) of a grid. The Gaussian is a product, so few exponentials are needed. */
  function density(as, bs, sigma) {
    const factor = (value, k, d) => Math.exp(-0.5 * ((value - flat[2 * k + d]) / sigma) ** 2);
    const values = new Float64Array(as.length * bs.length);
    const row = new Float64Array(as.length);
    for (let k = 0; k < count; k++) {
      const weight = weights[k] / (2 * Math.PI * sigma * sigma);
      for (let i = 0; i < as.length; i++) row[i] = weight * factor(as[i], k, 0);
      for (let j = 0; j < bs.length; j++) {
        const other = factor(bs[j], k, 1), start = j * as.length;
        if (other < 1e-12) continue; // too far away to be seen
        for (let i = 0; i < as.length; i++) values[start + i] += other * row[i];
      }
    }
    return values;
  }

  const place = layout(el, '"side main" "controls main" "readout readout"');
  const line = drawing(place("side"), 205);
  const main = html(place("main"), "div", { class: "live-stack" });
  const canvas = html(main, "canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
  const plane = drawing(main, 350);
  const controls = place("controls");
  const say = readout(place("readout"));

  // The latent line and its prior.
  const across = scale([zLow, zHigh], [42, 332]);
  const up = scale([0, 0.42], [168, 26]);
  axes(line, across, up, { xName: "latent z", yName: "prior p(z)", yTicks: [0, 0.1, 0.2, 0.3, 0.4] });
  const steps = Array.from({ length: 121 }, (_, i) => zLow + ((zHigh - zLow) * i) / 120);
  svg(line, "path", { d: path(steps.map((z) => [across(z), up(prior(z))])), class: "live-line live-ink" });
  const stem = svg(line, "path", { class: "live-line live-teal" });
  const top = svg(line, "circle", { r: 4, class: "live-dot live-teal" });
  const knob = handleFor(line, "z");

  // The plane; the density lies under it as a picture.
  const { x, y } = squarePlane(plane, [centre1, centre2], half);
  const unit = 290 / (2 * half);
  svg(plane, "text", { x: 332, y: 13, "text-anchor": "end", class: "live-tick" }, "shade √p(x), circles σ and 2σ");
  svg(plane, "path", { d: path(steps.map((z) => curve(z)).map(([a, b]) => [x(a), y(b)])), class: "live-line live-ink" });
  const rings = [1, 2].map((k) => svg(plane, "circle", { class: `live-ring-line live-orange${k === 2 ? " live-dashed" : ""}` }));
  const point = handleFor(plane, "g(z)");
  const context = canvas.getContext("2d");

  function handleFor(parent, name) {
    const group = svg(parent, "g");
    svg(group, "circle", { r: 22, class: "live-touch" });
    svg(group, "circle", name === "z" ? { r: 8, class: "live-ring live-teal" } : { r: 5, class: "live-dot live-teal" });
    svg(group, "text", { x: 11, y: -11, class: "live-halo" }, name);
    return group;
  }

  const position = slider(controls, model, "z", {
    label: "Latent z", min: zLow, max: zHigh, step: 0.05,
    show: (z) => z.toFixed(2).replace("-", "−"), words: (z) => `z is ${z.toFixed(2)}`,
  });
  const noise = slider(controls, model, "sigma", {
    label: "Noise σ", min: sigmaLow, max: sigmaHigh, step: 0.01,
    show: (sigma) => sigma.toFixed(2), words: (sigma) => `standard deviation ${sigma.toFixed(2)}`,
  });
  const setZ = (z) => change(model, "z", Math.round(100 * z) / 100, zLow, zHigh);
  drag(knob, (px) => setZ(across.inverse(px)), position.input);
  drag(point, (px, py) => { // the place on the curve that is nearest to the pointer
    const away = steps.map((z) => { const [a, b] = curve(z); return Math.hypot(x(a) - px, y(b) - py); });
    setZ(steps[away.indexOf(Math.min(...away))]);
  }, position.input);

  // Dragging z leaves the picture alone; only σ and the theme draw it again.
  const pixel = Array.from({ length: SIDE }, (_, i) => (2 * (i + 0.5)) / SIDE - 1);
  const stop = watch(model, ["sigma"], () => {
    const values = density(pixel.map((t) => centre1 + half * t), pixel.map((t) => centre2 - half * t), model.get("sigma"));
    const blue = rgb(el, "--blue");
    const image = context.createImageData(SIDE, SIDE);
    values.forEach((value, i) => {
      image.data.set(blue, 4 * i);
      image.data[4 * i + 3] = 230 * Math.sqrt(value / peak); // the root shows the pale edges; one scale for every σ
    });
    context.putImageData(image, 0, 0);
  }, { coloured: el });

  watch(model, ["z", "sigma"], () => {
    const z = model.get("z"), sigma = model.get("sigma");
    const [a, b] = curve(z), [p] = density([a], [b], sigma);
    put(stem, { d: path([[across(z), up(0)], [across(z), up(prior(z))]]) });
    put(top, { cx: across(z), cy: up(prior(z)) });
    put(knob, { transform: `translate(${across(z)}, ${up(0)})` });
    put(point, { transform: `translate(${x(a)}, ${y(b)})` });
    rings.forEach((ring, k) => put(ring, { cx: x(a), cy: y(b), r: (k + 1) * sigma * unit }));
    position.follow();
    noise.follow();
    const where = `(${format(a)}, ${format(b)})`;
    put(line, { "aria-label": `The standard normal prior over z, marked at z = ${z.toFixed(2)}, where its density is ${format(prior(z))}.` });
    put(plane, { "aria-label": `A curve in the plane with the point g(z) = ${where} and circles of one and two standard deviations, ${sigma.toFixed(2)} each. Shading shows the density of x along the curve.` });
    say(`z = ${z.toFixed(2).replace("-", "−")}, prior density ${format(prior(z))}, becomes g(z) = ${where}. With σ = ${sigma.toFixed(2)} the marginal density there is ${format(p)}.`);
    Object.assign(el.dataset, { z, sigma, prior: prior(z), x1: a, x2: b, density: p });
  });
  return stop;
}

export default { render };
