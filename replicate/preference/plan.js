"use strict";
function generator(text) {
  let a = 2166136261; // FNV-1a gives the seed of mulberry32 (Tommy Ettinger, public domain)
  for (const char of text) a = Math.imul(a ^ char.codePointAt(0), 16777619);
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// What a participant is shown, in order; a function of the name, so the same after a reload.
function makePlan(study, name) {
  const random = generator(`${study.study}/${name}`);
  const below = (n) => Math.floor(random() * n);
  const order = study.trials.map((trial) => ({ trial, showing: 0 }));
  for (let i = order.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  // One turn of the places for all trials keeps every option equally often at every place.
  const turn = below(study.trials[0].options.length);
  const half = Math.ceil(order.length / 2);
  for (const { trial } of order.slice(0, study.repeats))
    order.splice(half + below(order.length - half + 1), 0, { trial, showing: 1 });
  return order.map(({ trial, showing }) => {
    const n = trial.options.length;
    const shown = trial.options.map((_, i) => trial.options[(i + turn + showing) % n]);
    return { trial: trial.id, input: trial.input, showing, shown };
  });
}
