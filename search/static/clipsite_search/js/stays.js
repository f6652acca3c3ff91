// Forms that stay: what the server answers takes their place.
addEventListener("submit", async (event) => {
  const form = event.target;
  const place = form.closest("[data-stays]");
  if (!place) return;
  event.preventDefault();
  const body = new FormData(form);
  body.append("stays", 1);
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => 0);
  if (!answer.ok || answer.redirected) return form.submit();
  place.innerHTML = await answer.text();
  place.querySelector("[name=name]").focus();
});
