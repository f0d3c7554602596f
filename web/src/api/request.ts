/** One way to ask the server: JSON in, JSON out, refusals as sentences. */

/** The server said no, or could not be reached (`status` 0). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** The whole answer: a refusal may carry what would help. */
    readonly body: unknown = null,
  ) {
    super(message);
  }
}

/** GET. */
export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, { method: "GET", ...(signal ? { signal } : {}) });
}

/** POST; the header proves that the request was not made by another site's form. */
export function post<T>(path: string, body?: unknown): Promise<T> {
  return ask<T>(path, change("POST", body));
}

/** PUT, as POST. */
export function put<T>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, change("PUT", body));
}

/** PATCH, as POST: what is left out stays. */
export function patch<T>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, change("PATCH", body));
}

/** POST of a file as it is. */
export function send<T>(path: string, file: Blob): Promise<T> {
  const headers = { "X-Patchbay": "1", "Content-Type": "application/octet-stream" };
  return ask<T>(path, { method: "POST", headers, body: file });
}

/** DELETE, as POST. */
export function erase(path: string): Promise<void> {
  return ask<void>(path, change("DELETE"));
}

function change(method: string, body?: unknown): RequestInit {
  return {
    method,
    headers: { "X-Patchbay": "1", "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  };
}

/** A definite "not signed in": the only thing that ends a session on screen. */
export function isSignedOut(fault: unknown): boolean {
  return fault instanceof Refusal && fault.status === 401;
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...init });
  } catch (fault) {
    if (init.signal?.aborted) throw fault;
    throw new Refusal(0, "unreachable", "The server cannot be reached. Check the network and try again.");
  }
  if (answer.status === 204) return undefined as T;
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw refusalOf(answer.status, body);
  return body as T;
}

function refusalOf(status: number, body: unknown): Refusal {
  if (typeof body === "object" && body !== null && "error" in body) {
    const { error } = body;
    if (typeof error === "object" && error !== null && "message" in error && "code" in error)
      return new Refusal(status, String(error.code), String(error.message), body);
  }
  return new Refusal(status, "unexpected", `The server answered with status ${status} and no reason.`);
}
