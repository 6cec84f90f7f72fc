// The value under the pointer. Read back from the drawn paths: their x is the step, their y 0..1000 from the top.
"use strict";
(() => {
  const number = (v) => {
    const size = Math.abs(v);
    return size !== 0 && (size < 1e-3 || size >= 1e6) ? v.toExponential(2) : String(+v.toPrecision(3));
  };
  const nearest = (steps, x) => {
    let low = 0, high = steps.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (steps[middle] <= x) low = middle; else high = middle;
    }
    return Math.abs(steps[low] - x) <= Math.abs(steps[high] - x) ? low : high;
  };
  const word = document.documentElement.lang.startsWith("zh") ? ["第 ", " 步"] : ["step ", ""];
  const step = (x) => word[0] + x.toLocaleString("en") + word[1];

  for (const area of document.querySelectorAll(".area")) {
    const data = area.dataset, last = +data.x, low = +data.lo, high = +data.hi;
    const value = (y) => {
      const v = high - (y / 1000) * (high - low);
      return "log" in data ? 10 ** v : v;
    };
    const curves = [...area.querySelectorAll("path[data-n]")].map((path) => {
      const points = [...path.getAttribute("d").matchAll(/[ML](-?[\d.e+]+) (-?[\d.e+-]+)/g)];
      return { name: path.dataset.n, kind: path.classList[path.classList.length - 1],
               steps: points.map((p) => +p[1]), ys: points.map((p) => +p[2]) };
    }).filter((curve) => curve.steps.length);
    const cells = data.cells && Uint8Array.from(atob(data.cells), (c) => c.charCodeAt(0));
    const rows = data.rows && JSON.parse(data.rows);
    if (!curves.length && !cells) continue;
    const cursor = document.createElement("div"), tip = document.createElement("div");
    cursor.className = "cursor";
    tip.className = "tip";

    const line = (text, kind) => {
      const row = document.createElement("div");
      if (kind) {
        const dot = document.createElement("i");
        dot.className = kind;
        row.append(dot);
      }
      row.append(text);
      tip.append(row);
    };
    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      tip.replaceChildren();
      if (cells) {
        const columns = +data.columns, column = Math.min(columns - 1, Math.floor(share * columns));
        const row = Math.min(rows.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * rows.length)));
        const cell = cells[row * columns + column];
        const text = cell === 255 ? "NaN / inf" : cell === 254 ? "–" : cell === 253 ? "0"
          : number(10 ** (low + (cell / 250) * (high - low)));
        line(rows[row]);
        line(step(Math.round((column / columns) * (last + 1))) + ": " + text);
      } else {
        line(step(Math.round(share * last)));
        for (const curve of curves) {
          const at = nearest(curve.steps, share * last);
          line(curve.name + ": " + number(value(curve.ys[at])), curve.kind);
        }
      }
      cursor.style.left = share * 100 + "%";
      tip.style.left = share < 0.5 ? share * 100 + "%" : "auto";
      tip.style.right = share < 0.5 ? "auto" : (1 - share) * 100 + "%";
      tip.style.margin = "0 10px";
      area.append(cursor, tip);
    });
    area.addEventListener("pointerleave", () => { cursor.remove(); tip.remove(); });
  }
})();
