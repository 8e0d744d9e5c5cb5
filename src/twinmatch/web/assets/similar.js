// <twinmatch-similar city="de-aachen">: cities like one, with the reasons, as a part of any page.
// Attributes: city (an id), k (how many, 5), label (the heading), heading (its level, 3), other-country.
"use strict";

(() => {
  const service = new URL("../v1/", document.currentScript.src);
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: block; color: CanvasText; background: Canvas; font: 1rem/1.5 system-ui, sans-serif; padding: 1rem; border: 1px solid; }
    :host([hidden]) { display: none; }
    .title { margin: 0 0 .5rem; font-size: 1.2rem; line-height: 1.3; }
    ol { margin: 0; padding-left: 1.6rem; }
    li { margin: .5rem 0; }
    p { margin: .2rem 0; }
  `);

  function made(name, text) {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
  }

  class TwinmatchSimilar extends HTMLElement {
    static observedAttributes = ["city", "k", "label", "heading", "other-country"];
    #asked = 0;

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
    }

    connectedCallback() {
      this.#show();
    }

    attributeChangedCallback() {
      if (this.isConnected) this.#show();
    }

    async #show() {
      const asked = ++this.#asked;
      const level = Math.min(6, Math.max(2, Number(this.getAttribute("heading")) || 3));
      const title = made(`h${level}`, this.getAttribute("label") || "Cities like this one");
      title.id = title.className = "title";
      const section = document.createElement("section");
      section.setAttribute("aria-labelledby", "title");
      const told = made("p", "Looking for similar cities …");
      told.setAttribute("role", "status");
      section.append(title, told);
      this.shadowRoot.replaceChildren(section);
      try {
        const found = await this.#answer();
        if (asked !== this.#asked) return;
        told.textContent = found.note;
        if (!found.note) told.remove();
        section.append(this.#list(found.similar));
      } catch (error) {
        if (asked === this.#asked) told.textContent = error.message;
      }
    }

    async #answer() {
      const city = encodeURIComponent(this.getAttribute("city") || "");
      const address = new URL(`cities/${city}/similar`, service);
      address.searchParams.set("k", this.getAttribute("k") || "5");
      address.searchParams.set("fields", "name,country,score,why");
      if (this.hasAttribute("other-country")) address.searchParams.set("other_country", "true");
      const answer = await fetch(address, { credentials: "omit" });
      const content = await answer.json();
      if (!answer.ok) throw new Error(content.detail);
      return content;
    }

    #list(found) {
      const list = document.createElement("ol");
      list.lang = "en";
      for (const { name, country, score, why } of found) {
        const item = document.createElement("li");
        const line = document.createElement("p");
        const points = `score ${Math.round(100 * score)} of 100`;
        line.append(made("strong", name), ` (${country}), ${points}`);
        const reasons = why.map((reason) => reason.says);
        if (!reasons.length) reasons.push("Not enough is known to give a reason.");
        item.append(line, ...reasons.map((says) => made("p", says)));
        list.append(item);
      }
      return list;
    }
  }

  customElements.define("twinmatch-similar", TwinmatchSimilar);
})();
