function csrfToken() {
  return (
    document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ??
    document.querySelector("[name=csrfmiddlewaretoken]")?.value ??
    ""
  );
}

/** Throws a refusal of the server as an error with its status and its own sentence. */
export async function request(method, url, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(url, {
    method,
    headers: { "X-CSRFToken": csrfToken(), ...(!isForm && { "Content-Type": "application/json" }) },
    body: isForm ? body : JSON.stringify(body),
  });
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const answer = isJson ? await response.json() : null;
  if (response.ok) return answer;
  const { status } = response;
  throw Object.assign(new Error(answer?.detail ?? answer?.title ?? ""), { status });
}
