(() => {
  const study = JSON.parse(document.getElementById("study").textContent);
  const el = (id) => document.getElementById(id);
  const FOOL = study.mode === "fool";
  const LOCK = 300; // ms after a trial appears, so that a double click answers one trial only
  const SMALLEST = 96; // CSS px of an image's height; where there is less room, one scrolls
  const LARGEST = 420; // CSS px of an image's width
  const storage = findStorage();
  let state = null; // the participant's answers, as they are sent
  let plan = []; // what this participant is shown, in order
  let place = 0; // the index in the plan of what is on the screen
  let shownAt = 0; // ms
  let timers = [];

  function findStorage() {
    try {
      localStorage.setItem("preference", "works");
      localStorage.removeItem("preference");
      return localStorage;
    } catch {
      return null;
    }
  }

  const current = `preference-${study.study}`; // holds the name of who is at it
  const keyOf = (name) => `${current}-${name}`;

  function read(name) {
    try {
      return JSON.parse(storage.getItem(keyOf(name)));
    } catch {
      return null;
    }
  }

  // What this tab's own entry in the history holds of this study.
  const here = () => (history.state?.study === study.study ? history.state : null);

  function stored(name) {
    const kept = [read(name), here()].filter((each) => each?.participant === name);
    return kept.sort((a, b) => b.answers.length - a.answers.length)[0]; // answers are only added
  }

  // What is kept is safe at once from a reload or a crash of the tab: on a busy machine Chromium
  // shows a page that is loaded again its storage as it was some seconds before, or empty, but the
  // tab's entry in the history as it is. The browser itself writes the storage to the disk some
  // seconds later, so that only a killed browser may ask a question again.
  function keep() {
    history.replaceState(state, "");
    try {
      storage.setItem(current, state.participant);
      storage.setItem(keyOf(state.participant), JSON.stringify(state));
    } catch {
      warn();
    }
  }

  function warn() {
    el("warning").textContent =
      "This browser does not keep your answers (a private window, or storage is blocked). " +
      "Please finish in one go: do not reload or close this page before you have downloaded them.";
    el("warning").hidden = false;
  }

  const answerOf = (n) => state.answers.findLast((answer) => answer.n === n + 1);

  function firstOpen() {
    const answered = new Set(state.answers.map((answer) => answer.n));
    const open = plan.findIndex((_, n) => !answered.has(n + 1));
    return open < 0 ? plan.length : open;
  }

  function show(id) {
    for (const name of ["welcome", "trial", "end"]) el(name).hidden = name !== id;
    window.scrollTo(0, 0);
  }

  function welcome() {
    el("task").textContent = study.task;
    const total = study.trials.length + study.repeats;
    const rules = [
      `There are ${total} questions, one after the other.`,
      study.target && `The translations should show: ${study.target}.`,
      study.seconds && `Each image disappears after ${study.seconds} s; you may answer later.`,
      "Use the mouse, touch or the keyboard. Your impression counts.",
      "You can go back one question and change your answer.",
      storage && "Your answers stay in this browser. You may close the page and go on later.",
    ].filter(Boolean);
    el("rules").replaceChildren(...rules.map((rule) => make("li", { textContent: rule })));
    const bytes = crypto.getRandomValues(new Uint8Array(4));
    el("participant").value = "p-" + [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    show("welcome");
    el("participant").focus();
    el("participant").select();
  }

  function enter(name) {
    const session = crypto.getRandomValues(new Uint32Array(1))[0].toString(16);
    const fresh = {
      format: study.format, study: study.study, mode: study.mode, participant: name, session,
      started: new Date().toISOString(), trials: study.trials.length + study.repeats, answers: [],
    };
    state = stored(name) ?? fresh;
    plan = makePlan(study, name);
    keep();
    go(firstOpen());
  }

  async function go(index) {
    place = index;
    timers.forEach(clearTimeout);
    if (index === plan.length) return end();
    el("stage").ariaBusy = "true";
    const { input, shown } = plan[index];
    const reviewing = index < firstOpen();
    el("bar").max = plan.length;
    el("bar").value = index;
    el("count").textContent = `${index + 1} of ${plan.length}`;
    el("question").textContent = study.question;
    el("target").textContent = study.target ? `It should show: ${study.target}` : "";
    el("target").hidden = !study.target;
    el("back").textContent = reviewing ? "Keep answer" : "Back";
    el("back").disabled = index === 0 && !reviewing;
    const image = FOOL ? shown[0] : input;
    el("input").src = source(image);
    el("input").alt = FOOL ? "image to judge" : "input image";
    el("caption").hidden = FOOL;
    el("stage").classList.toggle("over", Boolean(study.seconds) && reviewing);
    el("options").replaceChildren(...(FOOL ? words() : shown.map(picture)));
    show("trial");
    fit();
    el("question").focus({ preventScroll: true });
    await Promise.allSettled([...el("stage").querySelectorAll("img")].map((img) => img.decode()));
    requestAnimationFrame(() => place === index && begin(reviewing));
  }

  function begin(reviewing) {
    shownAt = performance.now();
    timers = [setTimeout(() => (el("stage").ariaBusy = "false"), LOCK)];
    if (study.seconds && !reviewing)
      timers.push(setTimeout(() => el("stage").classList.add("over"), study.seconds * 1000));
  }

  const source = (id) => `data:image/png;base64,${study.images[id]}`;
  const make = (tag, fields) => Object.assign(document.createElement(tag), fields);

  function option(value, fields) {
    const button = make("button", { type: "button", ...fields });
    button.dataset.value = value;
    button.setAttribute("aria-pressed", String(answerOf(place)?.choice === value));
    button.addEventListener("click", () => choose(value));
    return button;
  }

  const words = () => [
    option("real", { className: "word", textContent: "Real" }),
    option("generated", { className: "word", textContent: "Generated" }),
  ];

  function picture(id, i) {
    const button = option(id, { className: "picture" });
    button.setAttribute("aria-label", `Translation ${i + 1}`);
    button.append(make("img", { src: source(id), alt: "", draggable: false }), String(i + 1));
    return button;
  }

  const locked = () => el("stage").ariaBusy === "true";

  function choose(value) {
    if (locked()) return;
    const { trial, showing, shown } = plan[place];
    state.answers.push({
      n: place + 1, trial, showing, shown, choice: value,
      at: new Date().toISOString(), ms: Math.round(performance.now() - shownAt),
    });
    keep();
    go(firstOpen());
  }

  function back() {
    if (locked()) return;
    const open = firstOpen();
    if (place < open) go(open); // keeps the answer that is being looked at
    else if (place > 0) go(place - 1);
  }

  function end() {
    timers.forEach(clearTimeout);
    const answered = plan.filter((_, n) => answerOf(n)).length;
    const complete = answered === plan.length;
    el("thanks").textContent = complete ? "Thank you" : "You have stopped";
    el("summary").textContent = complete
      ? `All ${plan.length} questions are answered.`
      : `${answered} of ${plan.length} questions are answered. You can go on${storage ? ", now or later" : ""}.`;
    el("file").textContent = fileName();
    el("text").value = JSON.stringify(state, null, 1);
    el("done").textContent = "";
    el("return").textContent = complete ? "Back to the last question" : "Go on";
    el("other").hidden = !storage;
    show("end");
    el("thanks").focus({ preventScroll: true });
  }

  const fileName = () => `answers-${study.study}-${state.participant}.json`;

  function download() {
    const blob = new Blob([JSON.stringify(state, null, 1) + "\n"], { type: "application/json" });
    const link = make("a", { href: URL.createObjectURL(blob), download: fileName() });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    el("done").textContent = "The file is among your downloads.";
  }

  function copy() {
    el("text").select();
    const copied = document.execCommand("copy"); // works without a server, unlike the clipboard API
    el("done").textContent = copied ? "The text is copied." : "Please press Ctrl+C to copy the text.";
  }

  // The largest whole multiple of the images' pixels with which everything fits the window.
  function fit() {
    const options = FOOL ? 0 : plan[place].shown.length;
    const wide = document.documentElement.clientWidth - 32;
    const others = ["warning", "top", "question", "target", "keys"].map((id) => el(id).offsetHeight);
    const high = document.documentElement.clientHeight - others.reduce((a, b) => a + b) - 84 - (FOOL ? 70 : 0);
    let best = { side: 0 };
    for (let columns = Math.max(options, 1); columns > 0; columns--) {
      const rows = Math.ceil(options / columns);
      for (const above of FOOL ? [true] : [false, true]) {
        const across = above ? columns : columns + 1;
        const down = above ? rows + 1 : rows;
        const side = whole(Math.min(wide / across - 26, widthOf(Math.max(high / down - 40, SMALLEST))));
        if (side > best.side) best = { side, columns, above };
      }
    }
    el("stage").style.setProperty("--shown", `${best.side}px`);
    el("stage").style.setProperty("--columns", FOOL ? 2 : best.columns);
    el("stage").classList.toggle("above", best.above);
    el("stage").classList.toggle("enlarged", best.side * devicePixelRatio >= study.width);
    el("keys").textContent = FOOL
      ? "Keys: 1 or \u2190 for real, 2 or \u2192 for generated, Backspace to go back"
      : `Keys: ${options === 2 ? "1 or \u2190, 2 or \u2192" : `1 to ${options}`}, Backspace to go back`;
  }

  function whole(room) {
    const dots = Math.min(room, LARGEST) * devicePixelRatio;
    return (Math.floor(dots / study.width) * study.width || dots) / devicePixelRatio;
  }

  const widthOf = (height) => (height * study.width) / study.height;

  function press(event) {
    if (el("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const buttons = [...el("options").children];
    const arrows = buttons.length === 2 ? { ArrowLeft: 0, ArrowRight: 1 } : {};
    const chosen = arrows[event.key] ?? (/^[1-9]$/.test(event.key) ? event.key - 1 : -1);
    const known = buttons[chosen] || event.key === "Backspace";
    if (known || (event.repeat && ["Enter", " "].includes(event.key))) event.preventDefault();
    if (event.repeat || !known) return;
    if (event.key === "Backspace") back();
    else choose(buttons[chosen].dataset.value);
  }

  document.addEventListener("keydown", press);
  window.addEventListener("resize", () => el("trial").hidden || fit());
  window.addEventListener("beforeunload", (event) => {
    if (!el("warning").hidden && state?.answers.length) event.preventDefault();
  });
  window.addEventListener("storage", (event) => {
    if (!state || event.key !== keyOf(state.participant) || !event.newValue) return;
    state = JSON.parse(event.newValue); // answered in another tab
    go(firstOpen());
  });
  el("start").addEventListener("submit", (event) => {
    event.preventDefault();
    enter(el("participant").value);
  });
  el("back").addEventListener("click", back);
  el("stop").addEventListener("click", end);
  el("return").addEventListener("click", () => go(Math.min(firstOpen(), plan.length - 1)));
  el("download").addEventListener("click", download);
  el("copy").addEventListener("click", copy);
  el("next").addEventListener("click", () => {
    storage.removeItem(current);
    history.replaceState(null, "");
    state = null;
    welcome();
  });

  if (!storage) warn();
  const participant = storage?.getItem(current) ?? here()?.participant;
  if (participant && stored(participant)) enter(participant);
  else welcome();
})();
