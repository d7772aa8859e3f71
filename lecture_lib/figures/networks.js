// Networks that run in the page. networks.py packs them; base.py puts this text before the figures that
// name it in `_shared`.

/**
 * The function that a packed network computes, from a vector to a Float64Array. Weights are unpacked
 * once. They are kept as float32, which holds every float16; sums are in float64.
 */
function network(bytes, layers) {
  const weights = halves(bytes);
  let used = 0;
  const take = (count) => weights.subarray(used, (used += count));
  const steps = layers.map(({ kind, n_in, n_out }) => {
    if (kind === "linear") return affine(take(n_in * n_out), take(n_out));
    return (values) => values.map(activations[kind]);
  });
  return (x) => steps.reduce((values, step) => step(values), Float64Array.from(x));
}

const activations = {
  relu: (a) => Math.max(a, 0),
  silu: (a) => a / (1 + Math.exp(-a)),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  tanh: Math.tanh,
};

/** The map x → A x + b, with A row by row. */
function affine(A, b) {
  return (x) => {
    const y = Float64Array.from(b);
    for (let i = 0, k = 0; i < y.length; i++) {
      let sum = 0;
      for (let j = 0; j < x.length; j++) sum += A[k++] * x[j];
      y[i] += sum;
    }
    return y;
  };
}

/** Finite float16 numbers, low byte first. Browsers have had a Float16Array for too short a time. */
function halves(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(view.byteLength / 2);
  // One bit of sign, five of exponent, ten of fraction; the lowest exponent lacks the leading one.
  const units = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));
  for (let i = 0; i < values.length; i++) {
    const bits = view.getUint16(2 * i, true), exponent = (bits >> 10) & 31;
    const size = ((bits & 1023) + (exponent > 0 ? 1024 : 0)) * units[exponent];
    values[i] = bits >> 15 ? -size : size;
  }
  return values;
}
