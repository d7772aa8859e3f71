// DenoisingFigure: an image x, the same with noise, x + τ ε, and what the network makes of that.

function render({ model, el }) {
  const shape = model.get("image_shape"); // height and width
  const D = shape[0] * shape[1];
  const images = Float64Array.from(numbers(model.get("image_data"), Uint8Array), (level) => level / 255);
  const noise = Float64Array.from(numbers(model.get("noise_data"), Int8Array), (step) => step / 32);
  const draws = noise.length / D;
  const clean = network(model.get("network_data"), model.get("network_layers"));
  const labels = model.get("labels");

  /** The present draw of ε. */
  const present = () => noise.subarray(model.get("draw") * D).subarray(0, D);

  /** x, x + τ ε and x̂, and the squared errors of the last two, for the present image and noise. */
  function compute(tau) {
    const x = images.subarray(model.get("index") * D).subarray(0, D);
    const epsilon = present();
    const noisy = x.map((value, i) => value + tau * epsilon[i]);
    const cleaned = clean(noisy);
    const error = (values) => values.reduce((sum, value, i) => sum + (value - x[i]) ** 2, 0);
    return { x, noisy, cleaned, noisyError: error(noisy), cleanedError: error(cleaned) };
  }

  const place = layout(el, '"main main" "controls side" "readout readout"');
  const tiles = html(place("main"), "div", { class: "live-tiles live-three", role: "img" });
  const controls = place("controls");
  controls.classList.add("live-top");
  const chart = drawing(place("side"), 220);
  const say = readout(place("readout"));

  /** A picture in grey, from 0 to 1, under a title and over a line of text. */
  function greyTile(title, tone) {
    const { box, paint } = tile(tiles, title, shape);
    const below = html(box, "div", { class: `live-tile-number ${tone}` });
    return (values, text) => {
      paint((i) => [255 * values[i], 255 * values[i], 255 * values[i], 255]);
      below.textContent = text;
    };
  }
  const drawClean = greyTile("clean x", "");
  const drawNoisy = greyTile("noisy x + τ ε", "live-orange");
  const drawCleaned = greyTile("cleaned x̂", "live-blue");

  const image = choice(controls, model, "index", { label: "Image", entries: labels });
  const level = slider(controls, model, "tau", {
    label: "Noise level τ", min: 0, max: 1, step: 0.02,
    show: (tau) => tau.toFixed(2), words: (tau) => `noise of standard deviation ${tau.toFixed(2)}`,
  });
  const button = html(controls, "button", { type: "button", class: "live-button" }, "New noise");
  button.addEventListener("click", () => change(model, "draw", (model.get("draw") + 1) % draws));

  // Three decades, one scale for all images. ‖ε‖² has mean D and standard deviation √(2D).
  const top = 10 ** Math.ceil(Math.log10(D + 5 * Math.sqrt(2 * D))), bottom = top / 1000;
  const across = scale([0, 1], [42, 332]);
  const decades = scale([Math.log10(bottom), Math.log10(top)], [182, 26]);
  const up = (error) => decades(Math.log10(Math.min(Math.max(error, bottom), top)));
  Object.assign(up, { range: decades.range });
  axes(chart, across, up, { xName: "noise level τ", yName: "squared error (logarithmic)", yTicks: [bottom, 10 * bottom, 100 * bottom, top] });
  const stem = svg(chart, "path", { class: "live-line live-ink live-dashed" });
  const noisyCurve = svg(chart, "path", { class: "live-line live-orange" });
  const cleanedCurve = svg(chart, "path", { class: "live-line live-blue" });
  const noisyName = svg(chart, "text", { class: "live-halo live-text-orange", "text-anchor": "end" }, "noisy");
  const cleanedName = svg(chart, "text", { class: "live-halo live-text-blue", "text-anchor": "end" }, "cleaned");
  const noisyMark = svg(chart, "circle", { r: 6, class: "live-ring live-orange" });
  const cleanedMark = svg(chart, "circle", { r: 6, class: "live-ring live-blue" });

  watch(model, ["index", "draw"], () => {
    const taus = Array.from({ length: 26 }, (_, k) => k / 25);
    const errors = taus.map((tau) => compute(tau).cleanedError);
    put(cleanedCurve, { d: path(errors.map((error, k) => [across(taus[k]), up(error)])) });
    put(cleanedName, { x: 332, y: Math.min(up(errors[25]), up(errors[20])) + 30 });
    // The noisy image's error is τ² ‖ε‖²; where it is below the frame there is nothing to draw.
    const square = present().reduce((sum, value) => sum + value * value, 0), start = Math.sqrt(bottom / square);
    const steps = Array.from({ length: 101 }, (_, k) => start + ((1 - start) * k) / 100);
    put(noisyCurve, { d: path(steps.map((tau) => [across(tau), up(tau * tau * square)])) });
    put(noisyName, { x: across(0.4), y: up(0.16 * square) - 8 });
  });

  return watch(model, ["index", "draw", "tau"], () => {
    const tau = model.get("tau"), index = model.get("index"), draw = model.get("draw");
    const { x, noisy, cleaned, noisyError, cleanedError } = compute(tau);
    drawClean(x, "");
    drawNoisy(noisy, `error ${format(noisyError)}`);
    drawCleaned(cleaned, `error ${format(cleanedError)}`);
    put(stem, { d: path([[across(tau), 182], [across(tau), 26]]) });
    put(noisyMark, { cx: across(tau), cy: up(noisyError), visibility: noisyError < bottom ? "hidden" : "visible" });
    put(cleanedMark, { cx: across(tau), cy: up(cleanedError) });
    image.follow();
    level.follow();
    const state = `At τ = ${tau.toFixed(2)} the noisy image is ${format(noisyError)} from the clean one in squared distance, the cleaned one\u00a0${format(cleanedError)}.`;
    put(tiles, { "aria-label": `Three pictures of ${labels[index]}: clean, with noise, and cleaned by the network. ${state}` });
    put(chart, { "aria-label": `Squared error of the noisy and of the cleaned image against the noise level, with marks at τ = ${tau.toFixed(2)}. ${state}` });
    say(state);
    Object.assign(el.dataset, { tau, index, draw, noisy: noisyError, cleaned: cleanedError });
  });
}

export default { render };
