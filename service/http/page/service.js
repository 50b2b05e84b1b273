/** Asking the service: the key, problem documents, and a stream read by fetch. */

const KEY = "prism-key";

/** A refusal or failure, as a problem document (RFC 9457) tells it. */
export class Problem extends Error {
  constructor(status, told, retryAfter = 0) {
    super(told.detail || told.title || "");
    Object.assign(this, { status, type: told.type ?? "", retryAfter });
  }
}

export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const keepKey = (key) => sessionStorage.setItem(KEY, key);
export const forgetKey = () => sessionStorage.removeItem(KEY);

/** Return the JSON that a GET, or with a body a POST, is answered with. Throws Problem. */
export async function ask(path, body, signal) {
  return (await answer(path, body, signal)).json();
}

/** Yield [event, data] of a stream of server-sent events. Throws Problem. */
export async function* stream(path, body, signal) {
  const response = await answer(path, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (waiting + value).replaceAll("\r\n", "\n").split("\n\n");
      waiting = events.pop();
      for (const event of events) {
        const fields = parsed(event);
        if (fields.data !== undefined) yield [fields.event, JSON.parse(fields.data)];
      }
    }
  } catch (error) {
    throw gone(error);
  }
}

function parsed(event) {
  const fields = {};
  for (const line of event.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] = value;
  }
  return fields;
}

async function answer(path, body, signal) {
  const headers = hasKey() ? { Authorization: `Bearer ${sessionStorage.getItem(KEY)}` } : {};
  const request = { headers, signal };
  if (body) {
    request.method = "POST";
    request.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    throw gone(error);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({ detail: `It answered ${response.status}.` }));
  throw new Problem(response.status, told, Number(response.headers.get("Retry-After")));
}

/** Return a failed connection as a problem; what we ended ourselves stays as it is. */
function gone(error) {
  if (error.name === "AbortError" || error instanceof Problem) return error;
  return new Problem(0, { type: "gone", detail: "The service cannot be reached." });
}
