// ReconstructionFigure: an image rebuilt from its mean and its first Q components, one at a time.

function render({ model, el }) {
  const shape = model.get("image_shape"); // height and width
  const D = shape[0] * shape[1];
  const pixels = numbers(model.get("image_data"), Float32Array);
  const mean = numbers(model.get("mean_data"), Float32Array);
  const whole = numbers(model.get("component_data"), Int16Array);
  const steps = numbers(model.get("component_steps"));
  const count = steps.length;
  const components = Array.from(steps, (step, j) => Float64Array.from(whole.subarray(j * D, (j + 1) * D), (k) => k * step));
  const labels = model.get("labels");
  let low = Infinity, high = -Infinity; // black and white are the same for all images
  for (const value of pixels) { low = Math.min(low, value); high = Math.max(high, value); }

  /** The codes z_j of one image, its distance d from the mean, and the squared error for every Q. */
  function expand(index) {
    const distance = Float64Array.from(mean, (m, i) => pixels[index * D + i] - m);
    const codes = components.map((v) => v.reduce((sum, value, i) => sum + value * distance[i], 0));
    const rest = distance.slice();
    const square = () => rest.reduce((sum, value) => sum + value * value, 0);
    const errors = [square()];
    components.forEach((v, j) => {
      for (let i = 0; i < D; i++) rest[i] -= codes[j] * v[i];
      errors.push(square());
    });
    return { distance, codes, errors };
  }
  const expansions = Array.from({ length: pixels.length / D }, (_, index) => expand(index));

  const place = layout(el, '"main controls" "main side" "readout readout"');
  const main = place("main");
  const tiles = html(main, "div", { class: "live-tiles", role: "img" });
  html(main, "p", { class: "live-note" }, "lower pictures: orange above zero, blue below");
  const controls = place("controls");
  const chart = drawing(place("side"), 210);
  const say = readout(place("readout"));

  const { paint: drawOriginal } = tile(tiles, "original x", shape);
  const { paint: drawRebuilt } = tile(tiles, "", shape);
  const { paint: drawRest } = tile(tiles, "left over: x − x̂", shape);
  const { paint: drawAdded } = tile(tiles, "", shape);

  const image = choice(controls, model, "index", { label: "Image", entries: labels });
  const remains = (q) => percent(expansions[model.get("index")].errors[q], expansions[model.get("index")].errors[0]);
  const amount = slider(controls, model, "q", {
    label: "Components used, Q", min: 0, max: count, step: 1,
    show: (q) => `${q} of ${count}`, words: (q) => `${q} components, ${remains(q)} of the squared distance is left`,
  });

  const across = scale([0, count], [42, 332]);
  const up = scale([0, 100], [172, 26]);
  axes(chart, across, up, { xName: "Q", yName: "squared error, % of Q = 0", yTicks: [0, 25, 50, 75, 100] });
  const curve = svg(chart, "path", { class: "live-line live-ink" });
  const stem = svg(chart, "path", { class: "live-line live-orange live-dashed" });
  const marker = svg(chart, "circle", { r: 6, class: "live-ring live-orange" });

  return watch(model, ["q", "index"], () => {
    const q = model.get("q"), index = model.get("index");
    const { distance, codes, errors } = expansions[index];
    const rebuilt = Float64Array.from(mean);
    for (let j = 0; j < q; j++) for (let i = 0; i < D; i++) rebuilt[i] += codes[j] * components[j][i];
    const [paper, blue, orange] = ["--paper", "--blue", "--orange"].map((name) => rgb(el, name));
    const grey = (value) => {
      const level = (255 * (value - low)) / (high - low || 1);
      return [level, level, level, 255];
    };
    const signed = (value, largest) => {
      const tone = value < 0 ? blue : orange, share = Math.min(Math.abs(value) / (largest || 1), 1);
      return [0, 1, 2].map((c) => paper[c] + share * (tone[c] - paper[c])).concat(255);
    };
    const extreme = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const farthest = extreme(distance); // one scale for all Q: what is left over fades as Q grows
    drawOriginal((i) => grey(pixels[index * D + i]));
    drawRebuilt((i) => grey(rebuilt[i]), `rebuilt x̂, Q = ${q}`);
    drawRest((i) => signed(pixels[index * D + i] - rebuilt[i], farthest));
    const last = q > 0 ? components[q - 1] : null, peak = last ? extreme(last) : 1;
    drawAdded((i) => signed(last ? Math.sign(codes[q - 1]) * last[i] : 0, peak), last ? `last added: ${format(codes[q - 1])} v${subscript(q)}` : "nothing added yet");

    put(curve, { d: path(errors.map((error, k) => [across(k), up((100 * error) / (errors[0] || 1))])) });
    const cx = across(q), cy = up((100 * errors[q]) / (errors[0] || 1));
    put(stem, { d: path([[cx, cy], [cx, 172]]) });
    put(marker, { cx, cy });
    image.follow();
    amount.follow();

    const state = `${labels[index]}, ${q} numbers kept instead of ${D}: squared error ${format(errors[q])}, which is ${remains(q)} of its squared distance from the mean.`;
    put(tiles, { "aria-label": `Four pictures of ${labels[index]}: the original, the image rebuilt from ${q} components, what is left over, and the component added last. ${state}` });
    put(chart, { "aria-label": `Squared error of this image against Q. It falls from ${format(errors[0])} at Q = 0 to ${format(errors[count])} at Q = ${count}; the mark stands at Q = ${q}.` });
    say(state);
    Object.assign(el.dataset, { q, index, error: errors[q], share: errors[0] > 0 ? errors[q] / errors[0] : 0 });
  }, { coloured: el });
}

function subscript(number) {
  return String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

export default { render };
