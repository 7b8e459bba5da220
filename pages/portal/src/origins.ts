/** Whose pages may have this frame do anything: those that the operator named. */

const ANY_PORT = /^http:\/\/(?:localhost|127\.0\.0\.1):\*$/;
const PORT = /^:[0-9]{1,5}$/;

/** Say whether *origin* is one of *allowed*: exactly, or at any port of this machine where `:*` stands. */
export function isAllowed(origin: string, allowed: readonly string[]): boolean {
  return allowed.some((one) => {
    if (!ANY_PORT.test(one)) return origin === one;
    const host = one.slice(0, -2);
    return origin === host || (origin.startsWith(host) && PORT.test(origin.slice(host.length)));
  });
}
