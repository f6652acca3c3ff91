// What may be asked next: links of which the page takes the offer behind them.
import { fill, fromTemplate } from "./dom.js";
import { number } from "./words.js";

export function renderOffers(offers) {
  for (const list of document.querySelectorAll("[data-offers]")) {
    const mine = offers.filter(({ kind }) => kind === list.dataset.offers);
    list.replaceChildren(...mine.map(link));
  }
}

function link(offer) {
  const { label, count, path: href } = offer;
  const element = Object.assign(fromTemplate("offer"), { offer, href });
  fill(element, { label, count: count && number(count) });
  return element;
}
