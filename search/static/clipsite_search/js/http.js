function csrfToken() {
  return (
    document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ??
    document.querySelector("[name=csrfmiddlewaretoken]")?.value ??
    ""
  );
}

/** Asks the API; throws a refusal as an error with its status and the server's own sentence. */
export async function request(method, path, body) {
  const isForm = body instanceof FormData;
  const { api } = document.querySelector("[data-api]").dataset;
  const response = await fetch(api + path, {
    method,
    headers: { "X-CSRFToken": csrfToken(), ...(!isForm && { "Content-Type": "application/json" }) },
    body: isForm ? body : JSON.stringify(body),
  });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const { status } = response;
  throw Object.assign(new Error(answer?.detail ?? answer?.title ?? ""), { status });
}
