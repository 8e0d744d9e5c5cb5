// What the pages need beside htmx: the number beside each slider, and the focus where something was told.
"use strict";

function showNumber(slider) {
  const output = slider.parentElement.querySelector("output");
  if (output) output.value = slider.value;
}

document.addEventListener("input", (event) => {
  if (event.target.matches("input[type=range]")) showNumber(event.target);
});

document.addEventListener("reset", (event) => {
  // The values are back only after the event.
  setTimeout(() => {
    event.target.querySelectorAll("input[type=range]").forEach(showNumber);
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }, 0);
});

// A field of one line that shows a long text whole: Enter does what its button does.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-line]")) return;
  event.preventDefault();
  event.target.form.requestSubmit(event.target.form.querySelector("button"));
});

// Escape, a click or the focus elsewhere closes what lies over the page.
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.once[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

for (const what of ["click", "focusin"]) {
  document.addEventListener(what, (event) => {
    for (const open of document.querySelectorAll("details.once[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
}

// What lies over the page is seen whole where it opens.
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("details.once[open]")) target.lastElementChild.scrollIntoView({ block: "nearest" });
}, true);

// What is folded on the screen is printed whole.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.printed")) part.open = true;
});

// What comes step by step can be stopped: the row that asks for the next step goes.
document.addEventListener("click", (event) => {
  const stop = event.target.closest("[data-stop]");
  if (!stop) return;
  const region = stop.closest("[tabindex]");
  stop.closest(stop.dataset.stop).remove();
  region.focus();
});

// What is folded on a narrow screen stands open on a wide one.
const narrow = matchMedia("(max-width: 60rem)");
function fold() {
  for (const part of document.querySelectorAll(".fold")) part.open = !narrow.matches || !!part.querySelector(":target");
  if (narrow.matches) document.querySelector(".decided:not(:target)")?.removeAttribute("open");
}
narrow.addEventListener("change", fold);
fold();

// On a narrow screen the tabs scroll sideways: the current one is brought into view, and the one that
// the keyboard goes to; one that a finger is on stays under it.
const tabs = document.querySelector(".tabs");
tabs?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
tabs?.addEventListener("focusin", ({ target }) => {
  if (target.matches(":focus-visible")) target.scrollIntoView({ block: "nearest", inline: "center" });
});

// What would change lies over the foot of a narrow page: the field that has the focus stays in sight. Of what is being
// made each step is told once, however often the page asks.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  const status = document.getElementById("step");
  const step = target.id === "making" && target.querySelector(".notice, .steps > :last-child");
  if (["price", "moves", "split"].includes(target.id) && target.getBoundingClientRect().bottom > innerHeight) {
    target.previousElementSibling.scrollIntoView(); // what was asked, and below it what that costs
  }
  if (target.id === "tried") document.activeElement.scrollIntoView({ block: "nearest" });
  if (step && status.textContent !== step.textContent) status.textContent = step.textContent;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const told = document.getElementById("told");
  if (told && !event.detail.isError) told.replaceChildren();
});
