// Search over the index of the page's language, which is loaded when it is first wanted.
"use strict";
(() => {
  const { root, index, nothing } = document.body.dataset;
  const input = document.querySelector(".search input");
  const list = document.querySelector(".search ol");
  const MOST = 20;
  let entries = null;

  const load = () => {
    if (entries) return;
    entries = [];
    const script = document.createElement("script");
    script.src = `${root}assets/${index}`;
    script.onload = () => {
      entries = window.TORCHWARD.map(([title, url, kind, text, literals]) => ({
        title, url, kind, text, literals, head: title.toLowerCase(), body: text.toLowerCase(),
      }));
      show();
    };
    document.head.append(script);
  };

  // Latin words, and Han text in pairs of characters, since nothing separates its words. Numbers alone say nothing
  // about an error message that was pasted.
  const terms = (query) => {
    const found = [];
    for (const [word] of query.toLowerCase().matchAll(/[\p{Script=Han}]+|[\w.-]+/gu)) {
      if (/\p{Script=Han}/u.test(word) && word.length > 2) {
        for (let at = 0; at + 2 <= word.length; at++) found.push(word.slice(at, at + 2));
      } else if (!/^[\d.x-]+$/.test(word)) {
        found.push(word);
      }
    }
    return [...new Set(found)];
  };

  const find = (query) => {
    const wanted = terms(query);
    const weights = wanted.map((term) => {
      const seen = entries.filter((entry) => entry.head.includes(term) || entry.body.includes(term)).length;
      return seen ? Math.log(1 + entries.length / seen) : 0;
    });
    const needed = wanted.length > 3 ? Math.ceil(wanted.length / 2) : wanted.length;
    const results = [];
    // An error that was pasted holds numbers and names of its own; its fixed words decide.
    const pasted = (entry) => entry.literals.reduce((most, one) => Math.max(most, query.includes(one) ? one.length : 0), 0);
    for (const entry of entries) {
      let score = 0;
      let hits = 0;
      wanted.forEach((term, number) => {
        const head = entry.head.includes(term);
        if (head || entry.body.includes(term)) {
          hits++;
          score += weights[number] * (head ? 4 : 1);
        }
      });
      const told = wanted.length > 3 ? pasted(entry) : 0;
      if (wanted.length && (hits >= needed || told)) {
        results.push({ entry, score: score * (hits / wanted.length) + told * 10 });
      }
    }
    return results.sort((one, other) => other.score - one.score).slice(0, MOST).map((result) => result.entry);
  };

  const excerpt = (entry, wanted) => {
    const places = wanted.map((term) => entry.body.indexOf(term)).filter((place) => place >= 0);
    const start = Math.max(0, (places.length ? Math.min(...places) : 0) - 40);
    return (start ? "… " : "") + entry.text.slice(start, start + 180);
  };

  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  const show = () => {
    const query = input.value.trim();
    list.replaceChildren();
    list.hidden = !query;
    if (!query || !entries.length) return;
    const results = find(query);
    for (const entry of results) {
      const link = Object.assign(document.createElement("a"), { href: root + entry.url });
      link.append(element("small", entry.kind), element("b", entry.title), element("span", excerpt(entry, terms(query))));
      const item = document.createElement("li");
      item.append(link);
      list.append(item);
    }
    if (!results.length) list.append(Object.assign(element("li", nothing), { className: "none" }));
  };

  input.addEventListener("focus", load);
  input.addEventListener("input", () => { load(); show(); });
  document.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const here = links.indexOf(document.activeElement);
    const inside = document.activeElement === input || here >= 0;
    if (event.key === "/" && !inside) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && inside) {
      list.hidden = true;
      input.blur();
    } else if (event.key === "Enter" && document.activeElement === input && links.length) {
      links[0].click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && inside && links.length) {
      event.preventDefault();
      const next = here + (event.key === "ArrowDown" ? 1 : -1);
      (links[next] || input).focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) list.hidden = true;
  });

  // The list beside the page begins at the entry of the page.
  const aside = document.querySelector("aside");
  const current = aside.querySelector("[aria-current]");
  if (current) aside.scrollTop = current.offsetTop - aside.offsetTop - aside.clientHeight / 3;
})();
