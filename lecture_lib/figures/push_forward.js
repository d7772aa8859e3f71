// PushForwardFigure: draws z from a round Gaussian on their straight ways to g(z) = z/10 + z/‖z‖, the
// histogram of their radius ρ, and its density. All three follow from the time t: ρ = a ‖z‖ + t.

function render({ model, el }) {
  const flat = numbers(model.get("point_data"), Float32Array), count = flat.length / 2;
  const radii = Array.from({ length: count }, (_, i) => Math.hypot(flat[2 * i], flat[2 * i + 1]));
  const counts = model.get("counts"), width = model.get("bin_width"), end = counts.length * width;
  const half = model.get("half"), top = model.get("top"), reach = model.get("reach");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [pause, stride] = still ? [600, 10] : [40, 2]; // milliseconds a frame, and hundredths of t

  const narrowing = (t) => 1 - 0.9 * t; // the distance of two points of a ray, as a share of what it was
  const moved = ([z1, z2], t) => { // (1 − t) z + t g(z) lies on the ray of z
    const r = Math.hypot(z1, z2), share = narrowing(t) + t / r;
    return [share * z1, share * z2];
  };

  const place = layout(el, '"main side" "controls controls" "point point" "readout readout"');
  const plane = drawing(place("main"), 350);
  const { x, y } = squarePlane(plane, [0, 0], half);
  const controls = place("controls");
  const side = drawing(place("side"), 350);
  const point = place("point"); // on a phone below the chart, next to what it says of the point
  const say = readout(place("readout"));

  const dots = radii.map((r) => {
    const dot = svg(plane, "circle", { r: 2.2, class: "live-coded" });
    dot.style.setProperty("--code", `${-100 * Math.expm1(-0.5 * r * r)}%`); // the share of the prior further in
    return dot;
  });
  svg(plane, "circle", { cx: x(0), cy: y(0), r: x(1) - x(0), class: "live-line-muted live-dashed" });
  const way = svg(plane, "path", { class: "live-line live-ink" });
  const image = svg(plane, "g");
  svg(image, "circle", { r: 5.5, class: "live-dot live-teal" });
  const imageName = svg(image, "text", { x: 9, y: 15, class: "live-halo" });
  const handle = svg(plane, "g");
  svg(handle, "circle", { r: 22, class: "live-touch" });
  svg(handle, "circle", { r: 7, class: "live-ring live-teal" });
  svg(handle, "text", { x: 10, y: -9, class: "live-halo" }, "z");

  // The histogram and the density of the radius. The edges of the bars move with the points.
  const key = (row, text) => {
    const group = svg(side, "g", { transform: `translate(42, ${9 + 21 * row})` });
    svg(group, "text", { x: 28, y: 4 }, text);
    return group;
  };
  const across = scale([0, end], [42, 332]), up = scale([0, top], [312, 82]);
  axes(side, across, up, { xName: "radius ρ", yName: "density of ρ" });
  svg(key(0, `${count} draws; the bars move with them`), "rect", { y: -5, width: 20, height: 10, class: "live-bar" });
  svg(key(1, "density in closed form"), "path", { d: "M0,0H20", class: "live-line live-orange" });
  const outline = svg(side, "path", { class: "live-bar" });
  svg(side, "path", { d: path([[across(1), up(0)], [across(1), 82]]), class: "live-line-muted live-dashed" });
  svg(side, "text", { x: across(1) - 5, y: 110, "text-anchor": "end", class: "live-tick live-halo" }, "ρ = 1");
  const curve = svg(side, "path", { class: "live-line live-orange" });
  const lengths = Array.from({ length: 161 }, (_, k) => (end * k) / 160); // of z, to draw the curve at

  const stop = player(controls, model, "t", { last: 1, pause, next: (t) => Math.min(Math.round(100 * t) + stride, 100) / 100 });
  const two = (value) => value.toFixed(2).replace("-", "−");
  const time = slider(controls, model, "t", {
    label: "Time t", min: 0, max: 1, step: 0.01, show: two, words: (t) => `time ${t.toFixed(2)} from z to g of z`,
  });
  const [first, second] = [["z1", "z₁"], ["z2", "z₂"]].map(([trait, name]) => slider(point, model, trait, {
    label: `Point ${name}`, min: -reach, max: reach, step: 0.05, show: two, words: (value) => `${name} is ${value.toFixed(2)}`,
  }));
  drag(handle, (px, py) => {
    change(model, "z1", Math.round(20 * x.inverse(px)) / 20, -reach, reach);
    change(model, "z2", Math.round(20 * y.inverse(py)) / 20, -reach, reach);
  }, first.input);

  watch(model, ["t"], () => {
    const t = model.get("t"), a = narrowing(t);
    dots.forEach((dot, i) => {
      const [x1, x2] = moved([flat[2 * i], flat[2 * i + 1]], t);
      put(dot, { cx: x(x1).toFixed(2), cy: y(x2).toFixed(2) });
    });
    const heights = counts.map((held) => held / (count * a * width));
    const corners = heights.flatMap((height, k) => [k, k + 1].map((edge) => [across(a * width * edge + t), up(height)]));
    put(outline, { d: path([[across(t), up(0)], ...corners, [across(a * end + t), up(0)]]) });
    put(curve, { d: path([[across(0), up(0)], ...lengths.map((r) => [across(a * r + t), up((r * Math.exp(-0.5 * r * r)) / a)])]) });
  });

  watch(model, ["t", "z1", "z2"], () => {
    const t = model.get("t"), z = [model.get("z1"), model.get("z2")], a = narrowing(t);
    const torn = z[0] === 0 && z[1] === 0; // there is no direction to go
    const now = torn ? null : moved(z, t);
    put(handle, { transform: `translate(${x(z[0])}, ${y(z[1])})` });
    put(image, { visibility: torn ? "hidden" : "visible" });
    put(way, { visibility: torn ? "hidden" : "visible" });
    if (!torn) {
      put(image, { transform: `translate(${x(now[0])}, ${y(now[1])})` });
      put(way, { d: path([[x(z[0]), y(z[1])], [x(now[0]), y(now[1])]]) });
    }
    imageName.textContent = t === 0 ? "" : t === 1 ? "g(z)" : "xₜ";
    time.follow();
    first.follow();
    second.follow();

    const radius = (1 - t) / a; // the ‖z‖ that has come to ρ = 1
    const inside = radii.filter((r) => r < radius).length, expected = -count * Math.expm1(-0.5 * radius * radius);
    const peak = Math.exp(-0.5) / a;
    const held = `Inside the unit circle: ${inside} of ${count} draws, ${expected.toFixed(1)} expected.`;
    const where = torn ? "z = 0 has no direction, so g has no value there"
      : `z = (${two(z[0])}, ${two(z[1])}) is now at (${two(now[0])}, ${two(now[1])}), radius ${Math.hypot(...now).toFixed(2)}`;
    put(plane, { "aria-label": `${count} draws from a round Gaussian at time ${t.toFixed(2)} of their way into a ring, coloured by their first distance from the centre. ${where}.` });
    put(side, { "aria-label": `A histogram of the draws’ distance from the centre, and its density in closed form, which begins at ${t.toFixed(2)} and has its peak, ${format(peak)}, at ${(t + a).toFixed(2)}.` });
    say(`${held} ${where}.`);
    Object.assign(el.dataset, { t, z1: z[0], z2: z[1], x1: torn ? "" : now[0], x2: torn ? "" : now[1], inside, expected, peak });
  });
  return stop;
}

export default { render };
