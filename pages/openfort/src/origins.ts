/** Whose pages may have this frame do anything: those that the publishable key names. */

const ANY_PORT = /^(http:\/\/(?:localhost|127\.0\.0\.1)):\*$/;

/** Return what origins are compared with: each exactly, or at any port of this machine where `:*` stands. */
export function patterns(origins: readonly string[]): (string | RegExp)[] {
  return origins.map((one) => {
    const host = ANY_PORT.exec(one)?.[1];
    return host === undefined ? one : new RegExp(`^${host.replaceAll(".", "\\.")}(?::[0-9]{1,5})?$`);
  });
}
