// LatentPlaneFigure: a point z in the latent plane, the image that the decoder makes of it, and one draw.

function render({ model, el }) {
  const half = model.get("half"), classes = model.get("classes"), shape = model.get("image_shape");
  const decode = network(model.get("network_data"), model.get("network_layers"));
  const codes = numbers(model.get("code_data"), Float32Array);
  const labels = numbers(model.get("label_data"), Uint8Array);
  const uniform = Float64Array.from(numbers(model.get("uniform_data"), Uint8Array), (k) => (k + 0.5) / 256);

  /** The five codes nearest to (z1, z2), the nearest first. */
  function nearest(z1, z2) {
    const square = (i) => (codes[2 * i] - z1) ** 2 + (codes[2 * i + 1] - z2) ** 2;
    const order = Array.from(labels, (_, i) => [square(i), i]).sort(([a, i], [b, k]) => a - b || i - k);
    return order.slice(0, 5).map(([, i]) => i);
  }

  const place = layout(el, '"main side" "main controls" "readout readout"');
  const plane = drawing(place("main"), 350);
  const tiles = html(place("side"), "div", { class: "live-tiles", role: "img" });
  const controls = place("controls");
  controls.classList.add("live-top");
  const say = readout(place("readout"));

  const x = scale([-half, half], [42, 332]), y = scale([-half, half], [312, 22]);
  axes(plane, x, y, { xName: "code z₁", yName: "code z₂" });

  // Each class is one path of dots in one of four tones. A disc names it, since ten tones could not be told apart.
  const tone = (label) => ["live-blue", "live-orange", "live-teal", "live-purple"][label % 4];
  const clouds = classes.map((label) => {
    const dots = Array.from(labels.keys()).filter((i) => labels[i] === label);
    const d = dots.map((i) => `M${x(codes[2 * i]).toFixed(1)},${y(codes[2 * i + 1]).toFixed(1)}h0`).join("");
    return svg(plane, "path", { d, class: `live-cloud ${tone(label)}` });
  });
  for (const share of [0.5, 0.95]) {
    const radius = Math.sqrt(-2 * Math.log(1 - share)), r = x(radius) - x(0);
    svg(plane, "circle", { cx: x(0), cy: y(0), r, class: "live-line live-ink live-dashed" });
    svg(plane, "text", { x: x(0), y: y(radius) - 4, "text-anchor": "middle", class: "live-tick live-halo" }, percent(share, 1));
  }
  const discs = classes.map((label, k) => {
    const [a, b] = model.get("disc_places")[k];
    const disc = svg(plane, "g", { transform: `translate(${x(a)}, ${y(b)})` });
    svg(disc, "circle", { r: 9, class: `live-ring ${tone(label)}` });
    svg(disc, "text", { y: 4.5, "text-anchor": "middle", class: "live-strong" }, label);
    return disc;
  });
  const near = Array.from({ length: Math.min(5, labels.length) }, () => svg(plane, "circle", { r: 4, class: "live-ring-line live-ink" }));
  const knob = svg(plane, "g");
  svg(knob, "circle", { r: 22, class: "live-touch" });
  svg(knob, "circle", { r: 6, class: "live-ring live-ink" });
  svg(knob, "text", { x: 9, y: -9, class: "live-halo live-strong" }, "z");

  const pictures = ["mean of p(x|z)", "one draw from p(x|z)"].map((title) => tile(tiles, title, shape).paint);
  const sliders = ["z1", "z2"].map((trait, k) => slider(controls, model, trait, {
    label: `Code ${"z₁ z₂".split(" ")[k]}`, min: -half, max: half, step: 0.05, show: short, words: (z) => z.toFixed(2),
  }));
  const highlight = choice(controls, model, "shown", { label: "Highlight", entries: ["no class", ...classes.map((label) => `class ${label}`)] });

  function move(px, py) {
    change(model, "z1", Math.round(100 * x.inverse(px)) / 100, -half, half);
    change(model, "z2", Math.round(100 * y.inverse(py)) / 100, -half, half);
  }
  drag(knob, move, sliders[0].input);

  watch(model, ["shown"], () => {
    const shown = model.get("shown") - 1;
    highlight.follow();
    clouds.forEach((cloud, k) => cloud.classList.toggle("live-pale", shown >= 0 && k !== shown));
    discs.forEach((disc, k) => disc.classList.toggle("live-pale", shown >= 0 && k !== shown));
  });

  return watch(model, ["z1", "z2"], () => {
    const z1 = model.get("z1"), z2 = model.get("z2");
    const mean = decode([z1, z2]), around = nearest(z1, z2);
    const distance = Math.hypot(z1, z2), farther = Math.exp(-(z1 ** 2 + z2 ** 2) / 2);
    put(knob, { transform: `translate(${x(z1)}, ${y(z2)})` });
    near.forEach((ring, k) => put(ring, { cx: x(codes[2 * around[k]]), cy: y(codes[2 * around[k] + 1]) }));
    const [paintMean, paintDraw] = pictures;
    paintMean((i) => grey(mean[i]));
    paintDraw((i) => grey(uniform[i] < mean[i] ? 1 : 0));
    for (const { follow } of sliders) follow();
    const names = around.map((i) => labels[i]).join(", ");
    const sentence = `z = (${short(z1)}, ${short(z2)}) lies ${distance.toFixed(2)} from the origin; ${percent(farther, 1)} of the prior lies farther out. Nearest codes: ${names}.`;
    put(plane, { "aria-label": `The latent plane with ${labels.length} codes, a disc for each class, and dashed circles that hold 50 % and 95 % of the prior. ${sentence}` });
    put(tiles, { "aria-label": `Two pictures: the mean of p(x|z) and one draw from p(x|z). ${sentence}` });
    say(sentence);
    Object.assign(el.dataset, { z1, z2, distance, farther, nearest: names });
  });
}

/** Grey from 0, black, to 1, white. */
function grey(value) {
  return [255 * value, 255 * value, 255 * value, 255];
}

/** Two decimals, with a true minus sign. */
function short(value) {
  return value.toFixed(2).replace("-", "−");
}

export default { render };
